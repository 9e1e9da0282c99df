package io.varve.core.commit;

import io.varve.core.id.DriveId;
import java.util.Collections;
import java.util.SortedMap;
import java.util.TreeMap;

/** What a unit's decision object says, or is asked to say. */
public sealed interface Verdict {
    /** The unit is offered for restore; one manifest for each of its drives. */
    record Committed(SortedMap<DriveId, ManifestRef> manifests) implements Verdict {
        public Committed {
            manifests = Collections.unmodifiableSortedMap(new TreeMap<>(manifests));
        }
    }

    record Aborted(String reason) implements Verdict {}
}
