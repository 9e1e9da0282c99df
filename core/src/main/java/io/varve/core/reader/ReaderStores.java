package io.varve.core.reader;

import io.varve.core.drive.DriveState;
import io.varve.core.id.DriveId;
import java.util.List;
import java.util.Optional;

/**
 * What a reader of the log keeps. After it has died, each may be as at any moment since what was read counts as read:
 * the repeated records and the digests see to it (I4).
 */
public interface ReaderStores {
    /** What is known of a drive; empty before its first attach. */
    Optional<DriveState> state(DriveId drive);

    void put(DriveState state);

    GenerationMarks marks();

    Positions mismatches();

    /**
     * Positions in the log under names that begin with a drive's and a slash; see {@link Mismatches},
     * {@link KnownJournals} and {@link StrangeWrites}.
     */
    interface Positions {
        Optional<Long> get(String name);

        void put(String name, long position);

        void remove(String name);

        /** The names of a drive. */
        List<String> names(DriveId drive);
    }
}
