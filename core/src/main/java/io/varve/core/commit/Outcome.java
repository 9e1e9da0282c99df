package io.varve.core.commit;

import io.varve.core.drive.Doubt;
import io.varve.core.id.DriveId;
import java.util.Collections;
import java.util.Optional;
import java.util.SortedSet;
import java.util.TreeSet;

/** What became of a drive's part, and what is asked of its agent: the messages of varve.backup-outcomes. */
public sealed interface Outcome {
    DriveId drive();

    /** A worker is at it. */
    record Progress(UnitId unit, DriveId drive, int attempt, long copiedBytes, long totalBytes) implements Outcome {}

    /** The manifest and all that it names are in the archive. */
    record Copied(UnitId unit, DriveId drive, int attempt, ManifestRef manifest, long storedBytes) implements Outcome {}

    /** An attempt failed. */
    record CopyFailed(UnitId unit, DriveId drive, int attempt, String reason, Retry retry) implements Outcome {}

    /** Whether another attempt can help. */
    enum Retry {
        WORTHWHILE,
        /** The point in time is gone, or the parent is: the unit must abort. */
        POINTLESS
    }

    /** Somebody can't, or won't, wait for the unit: an agent that lost its snapshot or whose job was cancelled. */
    record AbortRequested(UnitId unit, DriveId drive, String reason) implements Outcome {}

    /** The unit's decision object exists. */
    record Decided(UnitId unit, DriveId drive, Verdict verdict) implements Outcome {}

    /**
     * The agent is asked to publish again.
     *
     * @param fromControl the first control event that is missing; those it still holds from there on
     * @param generations whose marks didn't have their seal's digest
     * @param doubt why the bitmaps with these generations can't be believed, where publishing again didn't help, or
     *     can't
     */
    record RepublicationRequested(DriveId drive, long fromControl, SortedSet<Long> generations, Optional<Doubt> doubt)
            implements Outcome {
        public RepublicationRequested {
            generations = Collections.unmodifiableSortedSet(new TreeSet<>(generations));
        }

        /** One without a doubt. */
        public RepublicationRequested(DriveId drive, long fromControl, SortedSet<Long> generations) {
            this(drive, fromControl, generations, Optional.empty());
        }
    }
}
