package io.varve.core.commit;

import io.varve.core.id.DriveId;
import java.util.Collections;
import java.util.SortedMap;
import java.util.SortedSet;
import java.util.TreeMap;
import java.util.TreeSet;

/**
 * How far a unit is: from its first part to its decision.
 *
 * <pre>
 *   Gathering --all parts--> Copying --all manifests--> Deciding(Committed) --\
 *       \________ a refusal, an abort request, attempts used up ______________ > Decided(what the object says)
 *                                         `--> Deciding(Aborted) _____________/
 * </pre>
 */
public sealed interface UnitState {
    UnitId unit();

    /**
     * Some participants' parts are missing.
     *
     * @param silences how often nothing was heard
     */
    record Gathering(UnitId unit, SortedSet<DriveId> participants, SortedMap<DriveId, Part> parts, int silences)
            implements UnitState {
        public Gathering {
            participants = Collections.unmodifiableSortedSet(new TreeSet<>(participants));
            parts = Collections.unmodifiableSortedMap(new TreeMap<>(parts));
        }
    }

    /** Sinks are at work. */
    record Copying(UnitId unit, SortedMap<DriveId, CopyState> copies) implements UnitState {
        public Copying {
            copies = Collections.unmodifiableSortedMap(new TreeMap<>(copies));
        }
    }

    /** A sink has been asked to write the decision. */
    record Deciding(UnitId unit, Verdict proposed, SortedSet<DriveId> drives) implements UnitState {
        public Deciding {
            drives = Collections.unmodifiableSortedSet(new TreeSet<>(drives));
        }
    }

    /** The decision object is there; nothing changes any more. */
    // I14
    record Decided(UnitId unit, Verdict verdict) implements UnitState {}
}
