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
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Collections;
import java.util.Deque;
import java.util.List;
import java.util.Optional;
import java.util.SortedSet;
import java.util.TreeSet;
import java.util.function.Function;

/**
 * What a transaction does to one drive: its open generation is sealed, the next one opens, then the changes follow.
 * Guests go on in the generation {@link #opened}: each import takes a number before it.
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

        record Import(PlannedImport planned) implements Change {}
    }

    /**
     * Marks that become a generation of {@code drive}, which nobody writes in.
     *
     * @param generation its number
     * @param into the bitmap that takes it in
     * @param order counts the imports of a transaction: an import may need those before
     */
    public record PlannedImport(DriveId drive, long generation, BitmapName into, Content content, int order) {
        /** Where the marks come from. */
        public sealed interface Content {
            /** The new generation's, and that of the marks. */
            Granularity granularity();
        }

        /** The union of a drive's generations, among them perhaps earlier imports. */
        public record OfDrive(DriveId drive, SortedSet<Long> generations, Granularity granularity) implements Content {
            public OfDrive {
                generations = Collections.unmodifiableSortedSet(new TreeSet<>(generations));
            }
        }

        /** Whoever carries the plan out has them. */
        public record Given(Granularity granularity) implements Content {}
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

    public List<PlannedImport> imports() {
        return changes.stream()
                .flatMap(c -> c instanceof Change.Import(PlannedImport planned)
                        ? Optional.of(planned).stream()
                        : Optional.<PlannedImport>empty().stream())
                .toList();
    }

    /** The number of the generation that is open afterwards. */
    public long opened() {
        return sealed + 1 + imports().size();
    }

    /** The events of a plan without imports: what {@link NodeRules#takesImports} decides. */
    public List<DriveEvent> events(
            Generation.Seal seal,
            Function<PlannedCut, Generation.Seal> count,
            Function<BackupKey, SnapshotExport> exports) {
        return events(seal, count, exports, planned -> {
            throw new IllegalStateException("an import that nobody counts: " + planned);
        });
    }

    /**
     * The events for the drive's log, once the bits stand still.
     *
     * @param seal of the sealed generation
     * @param count the dirty bytes and the digest of a cut: the union of its generations at its granularity
     * @param exports where a backup's point in time can be read
     * @param imported the dirty bytes and the digest of an import
     */
    public List<DriveEvent> events(
            Generation.Seal seal,
            Function<PlannedCut, Generation.Seal> count,
            Function<BackupKey, SnapshotExport> exports,
            Function<PlannedImport, Generation.Seal> imported) {
        // Each opens the generation of the next import, or the one that guests go on in.
        Deque<Granularity> opened = new ArrayDeque<>();
        imports().forEach(planned -> opened.add(planned.content().granularity()));
        opened.add(openedGranularity);
        List<DriveEvent> events = new ArrayList<>();
        events.add(new DriveEvent.GenerationSealed(sealed, seal.dirtyBytes(), seal.digest(), opened.remove()));
        for (Change change : changes) {
            events.add(
                    switch (change) {
                        case Change.Event(DriveEvent event) -> event;
                        case Change.Import(PlannedImport planned) -> {
                            Generation.Seal counted = imported.apply(planned);
                            yield new DriveEvent.MarksImported(
                                    planned.generation(),
                                    planned.into(),
                                    counted.dirtyBytes(),
                                    counted.digest(),
                                    opened.remove());
                        }
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
