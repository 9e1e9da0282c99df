package io.varve.core.transaction;

import io.varve.core.bits.Digest;
import io.varve.core.bits.Granularity;
import io.varve.core.bits.HierarchicalBitSet;
import io.varve.core.drive.BackupKey;
import io.varve.core.drive.BackupTarget;
import io.varve.core.drive.Bitmap;
import io.varve.core.drive.Completion;
import io.varve.core.drive.DriveState;
import io.varve.core.drive.Generation;
import io.varve.core.drive.SyncPointMark.SnapshotExport;
import io.varve.core.event.DriveEvent;
import io.varve.core.event.LogRecord;
import io.varve.core.fold.Fold;
import io.varve.core.id.BitmapName;
import io.varve.core.id.DriveId;
import io.varve.core.transaction.DrivePlan.Change;
import io.varve.core.transaction.DrivePlan.PlannedBackup;
import io.varve.core.transaction.DrivePlan.PlannedCut;
import io.varve.core.transaction.DrivePlan.PlannedImport;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.SortedSet;
import java.util.TreeSet;

/** One drive's part of a plan in the making: the state is that after the actions so far, found with the fold itself. */
final class DriveDraft {
    private static final Generation.Seal UNCOUNTED = new Generation.Seal(0, Digest.of(HierarchicalBitSet.ofHeap(1)));
    private static final SnapshotExport UNPLACED = new SnapshotExport("", "");

    private final DraftMeans means;
    private final long sealed;
    private final List<Change> changes = new ArrayList<>();
    private final SortedSet<BitmapName> removing = new TreeSet<>();
    private final SortedSet<BitmapName> begun = new TreeSet<>();
    private int backups;
    private DriveState state;

    DriveDraft(DriveState before, DraftMeans means) {
        this.means = means;
        this.state = before;
        this.sealed = before.open().number();
        fold(new DriveEvent.GenerationSealed(
                sealed, UNCOUNTED.dirtyBytes(), UNCOUNTED.digest(), before.trackingGranularity()));
    }

    /** The plan; nothing can be added any more. */
    DrivePlan plan() {
        // As in QEMU, a removed bitmap keeps its name until all actions are taken.
        removing.forEach(name -> change(new DriveEvent.BitmapRemoved(name)));
        removing.clear();
        return new DrivePlan(
                state.drive(),
                sealed,
                state.trackingGranularity(),
                changes.stream().map(this::anchored).toList());
    }

    DriveState state() {
        return state;
    }

    Bitmap found(String bitmap) throws Refusal {
        return BitmapChecks.found(state, bitmap);
    }

    Bitmap found(String bitmap, String missing) throws Refusal {
        return BitmapChecks.found(state, bitmap, missing);
    }

    void check(Bitmap bitmap, Set<BitmapChecks.Obstacle> obstacles) throws Refusal {
        means.checks().check(state, bitmap, obstacles, removing);
    }

    /** What the bitmap holds of what is written before the transaction. */
    SortedSet<Long> sealed(Bitmap bitmap) {
        SortedSet<Long> generations = new TreeSet<>(bitmap.generations());
        generations.remove(state.open().number());
        return generations;
    }

    void add(Action.AddBitmap add) throws Refusal {
        long granularityBytes = add.granularityBytes().orElse(Granularity.DEFAULT.bytes());
        if (!Granularity.isValid(granularityBytes)) {
            throw new Refusal("Granularity must be power of 2 and at least 512");
        }
        Granularity granularity = new Granularity(granularityBytes);
        if (add.persistent()) {
            Optional<String> objection = means.rules().whyNotPersistent(state, add.name(), granularity);
            if (objection.isPresent()) {
                throw new Refusal(objection.get());
            }
        }
        if (!BitmapName.isValid(add.name())) {
            throw new Refusal("Bitmap name too long: " + add.name());
        }
        BitmapName name = new BitmapName(add.name());
        if (state.bitmap(name).isPresent()) {
            throw new Refusal("Bitmap already exists: " + name);
        }
        begun.add(name);
        change(new DriveEvent.BitmapAdded(name, granularity, add.persistent(), add.recording()));
    }

    void remove(String bitmap) throws Refusal {
        BitmapName name = usable(bitmap, BitmapChecks.ALLOW_INCONSISTENT);
        removing.add(name);
        begun.remove(name);
    }

    void clear(String bitmap) throws Refusal {
        BitmapName name = usable(bitmap, BitmapChecks.ALL);
        begun.add(name);
        change(new DriveEvent.BitmapCleared(name));
    }

    void enable(String bitmap) throws Refusal {
        change(new DriveEvent.BitmapEnabled(usable(bitmap, BitmapChecks.ALLOW_READ_ONLY)));
    }

    void disable(String bitmap) throws Refusal {
        change(new DriveEvent.BitmapDisabled(usable(bitmap, BitmapChecks.ALLOW_READ_ONLY)));
    }

    /** Has {@code into} take in {@code content} as a generation of its own. */
    void importing(BitmapName into, PlannedImport.Content content) {
        PlannedImport planned =
                new PlannedImport(state.drive(), state.open().number(), into, content, means.nextImport());
        changes.add(new Change.Import(planned));
        fold(new DriveEvent.MarksImported(
                planned.generation(),
                into,
                UNCOUNTED.dirtyBytes(),
                UNCOUNTED.digest(),
                state.open().granularity()));
    }

    void backup(Action.Backup action, SortedSet<DriveId> participants, Completion completion) throws Refusal {
        BitmapChecks.checkArrived(state);
        Optional<Bitmap> bitmap = BackupModes.check(action, this);
        BackupKey key = new BackupKey(means.syncPoint(), backups++);
        if (state.undecided().containsKey(key)) {
            throw new Refusal("sync point '" + means.syncPoint() + "' of drive '" + state.drive()
                    + "' exists already: give each transaction a sync point of its own");
        }
        if (action.target() == BackupTarget.ARCHIVE) {
            BackupPlanner.checkArchive(state, action, bitmap, key);
        }
        Optional<PlannedCut> cut = bitmap.map(b -> BackupPlanner.cut(state, b, action));
        Change.Backup backup = new Change.Backup(new PlannedBackup(
                key,
                participants,
                completion,
                action.target(),
                BackupPlanner.kind(action, bitmap),
                cut,
                new TreeSet<>(),
                state.sizeBytes()));
        changes.add(backup);
        fold(new DrivePlan(state.drive(), sealed, state.trackingGranularity(), List.of(backup))
                .events(UNCOUNTED, c -> UNCOUNTED, k -> UNPLACED)
                .getLast());
    }

    void change(DriveEvent event) {
        changes.add(new Change.Event(event));
        fold(event);
    }

    private BitmapName usable(String bitmap, Set<BitmapChecks.Obstacle> obstacles) throws Refusal {
        Bitmap found = found(bitmap);
        check(found, obstacles);
        return found.name();
    }

    /** A committed full also anchors the bitmaps that begin with it: added or cleared in its own transaction. */
    private Change anchored(Change change) {
        if (!(change instanceof Change.Backup(PlannedBackup backup))) {
            return change;
        }
        SortedSet<BitmapName> anchors = BackupPlanner.anchors(state, backup, begun);
        return new Change.Backup(new PlannedBackup(
                backup.key(),
                backup.participants(),
                backup.completion(),
                backup.target(),
                backup.kind(),
                backup.cut(),
                anchors,
                backup.sizeBytes()));
    }

    private void fold(DriveEvent event) {
        LogRecord record = new LogRecord(state.drive(), state.line().getLast(), state.control() + 1, event);
        state = Fold.apply(Optional.of(state), record).state().orElseThrow();
    }
}
