package io.varve.archive;

import io.varve.core.commit.ManifestRef;
import io.varve.core.drive.Completion;
import io.varve.core.id.DriveId;
import io.varve.core.id.SyncPointId;
import java.time.Instant;
import java.util.Collections;
import java.util.Optional;
import java.util.SortedMap;
import java.util.TreeMap;

/**
 * A sync point as the archive shows it.
 *
 * @param drives each drive that takes part, as far as the archive knows: none of a group that was aborted early
 */
public record SyncPoint(SyncPointId id, Completion completion, State state, SortedMap<DriveId, DriveBackup> drives) {
    public SyncPoint {
        drives = Collections.unmodifiableSortedMap(new TreeMap<>(drives));
    }

    /** What can be done with it. */
    public sealed interface State {
        /** Every drive can be restored. */
        record Committed() implements State {}

        /** Some drives of an individual sync point can be restored. */
        record Partial() implements State {}

        /** None can be, ever. */
        record Aborted(String reason) implements State {}

        /** None can be yet. */
        record Undecided() implements State {}
    }

    /** What the archive has of one drive at a sync point. */
    public sealed interface DriveBackup {
        /** It can be restored. */
        record Committed(ManifestRef ref, Manifest manifest) implements DriveBackup {}

        /** It doesn't count. */
        record Aborted(String reason) implements DriveBackup {}

        /** It's under way, or waits to be decided. */
        record Undecided() implements DriveBackup {}

        /** It was committed, but its manifest can't be believed. */
        record Damaged(String sentence) implements DriveBackup {}
    }

    /** When the last of its manifests was made, for people; empty when none is known. */
    public Optional<Instant> created() {
        return drives.values().stream()
                .filter(DriveBackup.Committed.class::isInstance)
                .map(backup -> ((DriveBackup.Committed) backup).manifest().created())
                .max(Instant::compareTo);
    }
}
