package io.varve.archive;

import io.varve.core.id.DriveId;
import java.util.Collections;
import java.util.SortedMap;
import java.util.TreeMap;

/** What became of a unit, for ever. */
public sealed interface Decision {
    /** All of the unit's backups count; exactly the manifests named here are theirs. */
    record Committed(SortedMap<DriveId, ManifestRef> manifests) implements Decision {
        public Committed {
            manifests = Collections.unmodifiableSortedMap(new TreeMap<>(manifests));
            if (manifests.isEmpty()) {
                throw new IllegalArgumentException("a unit without a manifest can't be committed");
            }
        }
    }

    /** None of them counts. */
    record Aborted(String reason) implements Decision {
        private static final int MAX_REASON = 4096;

        public Aborted {
            reason = reason.length() > MAX_REASON ? reason.substring(0, MAX_REASON) : reason;
        }
    }
}
