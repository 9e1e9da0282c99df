package io.varve.core.transaction;

import io.varve.core.bits.Granularity;
import io.varve.core.drive.BackupKey;
import io.varve.core.drive.BackupKind;
import io.varve.core.drive.BackupTarget;
import io.varve.core.drive.BitmapMode;
import io.varve.core.drive.Completion;
import io.varve.core.drive.Cut;
import io.varve.core.drive.Generation;
import io.varve.core.drive.SyncPointMark;
import io.varve.core.drive.SyncPointMark.SnapshotExport;
import io.varve.core.event.DriveEvent;
import io.varve.core.id.BitmapName;
import io.varve.core.id.DriveId;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Optional;
import java.util.SortedSet;
import java.util.TreeSet;
import java.util.function.Function;

/**
 * What a transaction does to one drive: its open generation is sealed, the next one opens, then the changes follow.
 *
 * @param sealed the generation that is open now
 * @param openedGranularity what the next one tracks
 */
public record DrivePlan(DriveId drive, long sealed, Granularity openedGranularity, List<Change> changes) {
    public DrivePlan {
        changes = List.copyOf(changes);
    }

    /** One change, in the order of the actions. */
    public sealed interface Change {
        record Event(DriveEvent event) implements Change {}

        record Backup(PlannedBackup backup) implements Change {}
    }

    /** A {@link Cut} whose bits aren't counted yet. */
    public record PlannedCut(BitmapName bitmap, BitmapMode mode, SortedSet<Long> generations, Granularity granularity) {
        public PlannedCut {
            generations = Collections.unmodifiableSortedSet(new TreeSet<>(generations));
        }
    }

    /** A {@link SyncPointMark} without what is known only after the cut. */
    public record PlannedBackup(
            BackupKey key,
            SortedSet<DriveId> participants,
            Completion completion,
            BackupTarget target,
            BackupKind kind,
            Optional<PlannedCut> cut,
            SortedSet<BitmapName> anchors,
            long sizeBytes) {}

    public List<PlannedBackup> backups() {
        return changes.stream()
                .flatMap(c -> c instanceof Change.Backup(PlannedBackup backup)
                        ? Optional.of(backup).stream()
                        : Optional.<PlannedBackup>empty().stream())
                .toList();
    }

    /**
     * The events for the drive's log, once the bits stand still.
     *
     * @param seal of the sealed generation
     * @param count the dirty bytes and the digest of a cut: the union of its generations at its granularity
     * @param exports where a backup's point in time can be read
     */
    public List<DriveEvent> events(
            Generation.Seal seal,
            Function<PlannedCut, Generation.Seal> count,
            Function<BackupKey, SnapshotExport> exports) {
        List<DriveEvent> events = new ArrayList<>();
        events.add(new DriveEvent.GenerationSealed(sealed, seal.dirtyBytes(), seal.digest(), openedGranularity));
        for (Change change : changes) {
            events.add(
                    switch (change) {
                        case Change.Event(DriveEvent event) -> event;
                        case Change.Backup(PlannedBackup backup) ->
                            new DriveEvent.SyncPointMarked(marked(backup, count, exports.apply(backup.key())));
                    });
        }
        return events;
    }

    private static SyncPointMark marked(
            PlannedBackup backup, Function<PlannedCut, Generation.Seal> count, SnapshotExport export) {
        Optional<Cut> cut = backup.cut().map(planned -> {
            Generation.Seal counted = count.apply(planned);
            return new Cut(
                    planned.bitmap(),
                    planned.mode(),
                    planned.generations(),
                    planned.granularity(),
                    counted.dirtyBytes(),
                    counted.digest());
        });
        return new SyncPointMark(
                backup.key(),
                backup.participants(),
                backup.completion(),
                backup.target(),
                backup.kind(),
                cut,
                backup.anchors(),
                backup.sizeBytes(),
                export);
    }
}
