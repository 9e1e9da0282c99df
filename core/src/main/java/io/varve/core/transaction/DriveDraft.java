package io.varve.core.transaction;

import io.varve.core.bits.Digest;
import io.varve.core.bits.Granularity;
import io.varve.core.bits.HierarchicalBitSet;
import io.varve.core.drive.BackupKey;
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
import io.varve.core.id.SyncPointId;
import io.varve.core.transaction.DrivePlan.Change;
import io.varve.core.transaction.DrivePlan.PlannedBackup;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.SortedSet;
import java.util.TreeSet;

/** One drive's part of a plan in the making: the state is that after the actions so far, found with the fold itself. */
final class DriveDraft {
    private static final Generation.Seal UNCOUNTED = new Generation.Seal(0, Digest.of(HierarchicalBitSet.ofHeap(1)));
    private static final SnapshotExport UNPLACED = new SnapshotExport("", "");

    private final SyncPointId syncPoint;
    private final long sealed;
    private final List<Change> changes = new ArrayList<>();
    private final Set<BitmapName> removed = new HashSet<>();
    private final SortedSet<BitmapName> begun = new TreeSet<>();
    private int backups;
    private DriveState state;

    DriveDraft(DriveState before, SyncPointId syncPoint) {
        this.syncPoint = syncPoint;
        this.state = before;
        this.sealed = before.open().number();
        fold(new DriveEvent.GenerationSealed(
                sealed, UNCOUNTED.dirtyBytes(), UNCOUNTED.digest(), before.trackingGranularity()));
    }

    DrivePlan plan() {
        return new DrivePlan(
                state.drive(),
                sealed,
                state.trackingGranularity(),
                changes.stream().map(this::anchored).toList());
    }

    void add(Action.AddBitmap add) throws Refusal {
        if (add.name().isEmpty()) {
            throw new Refusal("Bitmap name cannot be empty");
        }
        if (!BitmapName.isValid(add.name())) {
            throw new Refusal("Bitmap name too long: " + add.name());
        }
        long granularityBytes = add.granularityBytes().orElse(Granularity.DEFAULT.bytes());
        if (!Granularity.isValid(granularityBytes)) {
            throw new Refusal("Granularity must be power of 2 and at least 512");
        }
        BitmapName name = new BitmapName(add.name());
        if (state.bitmap(name).isPresent() || removed.contains(name)) {
            throw new Refusal("Bitmap already exists: " + name);
        }
        begun.add(name);
        change(new DriveEvent.BitmapAdded(name, new Granularity(granularityBytes), add.persistent(), add.recording()));
    }

    void remove(String bitmap) throws Refusal {
        BitmapName name = BitmapChecks.removable(state, bitmap).name();
        removed.add(name);
        begun.remove(name);
        change(new DriveEvent.BitmapRemoved(name));
    }

    void clear(String bitmap) throws Refusal {
        BitmapName name = BitmapChecks.usable(state, bitmap).name();
        begun.add(name);
        change(new DriveEvent.BitmapCleared(name));
    }

    void enable(String bitmap) throws Refusal {
        change(new DriveEvent.BitmapEnabled(BitmapChecks.usable(state, bitmap).name()));
    }

    void disable(String bitmap) throws Refusal {
        change(new DriveEvent.BitmapDisabled(BitmapChecks.usable(state, bitmap).name()));
    }

    void merge(Action.MergeBitmaps merge) throws Refusal {
        Bitmap target = BitmapChecks.usable(state, merge.target());
        SortedSet<Long> generations = new TreeSet<>();
        List<BitmapName> sources = new ArrayList<>();
        for (Action.MergeBitmaps.Source source : merge.sources()) {
            if (!source.node().equals(merge.node())) {
                throw new Refusal("Bitmap '" + source.name() + "' is on node '" + source.node() + "', the target on '"
                        + merge.node() + "': only bitmaps of one node can be merged");
            }
            Bitmap from = BitmapChecks.usable(state, source.name());
            sources.add(from.name());
            generations.addAll(from.generations());
        }
        // The open generation, empty when the merge takes effect, belongs to the target only if the target records.
        generations.remove(state.open().number());
        change(new DriveEvent.BitmapsMerged(target.name(), sources, generations));
    }

    void backup(Action.Backup action, SortedSet<DriveId> participants, Completion completion) throws Refusal {
        BackupKey key = new BackupKey(syncPoint, backups++);
        if (state.undecided().containsKey(key)) {
            throw new Refusal("sync point '" + syncPoint + "' of drive '" + state.drive() + "' exists already: give "
                    + "each transaction a sync point of its own");
        }
        PlannedBackup backup = BackupPlanner.plan(state, action, key, participants, completion);
        changes.add(new Change.Backup(backup));
        fold(new DrivePlan(state.drive(), sealed, state.trackingGranularity(), List.of(new Change.Backup(backup)))
                .events(UNCOUNTED, cut -> UNCOUNTED, k -> UNPLACED)
                .getLast());
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

    private void change(DriveEvent event) {
        changes.add(new Change.Event(event));
        fold(event);
    }

    private void fold(DriveEvent event) {
        LogRecord record = new LogRecord(state.drive(), state.line().getLast(), state.control() + 1, event);
        state = Fold.apply(Optional.of(state), record).state().orElseThrow();
    }
}
