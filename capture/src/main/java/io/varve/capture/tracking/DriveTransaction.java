package io.varve.capture.tracking;

import io.varve.capture.snapshot.Fleece;
import io.varve.capture.snapshot.Snapshot;
import io.varve.capture.snapshot.SnapshotExport;
import io.varve.core.bits.Granularity;
import io.varve.core.bits.Marks;
import io.varve.core.drive.BackupKey;
import io.varve.core.drive.BackupKind;
import io.varve.core.drive.BackupTarget;
import io.varve.core.drive.Bitmap;
import io.varve.core.drive.Conclusion;
import io.varve.core.drive.DriveState;
import io.varve.core.drive.Generation;
import io.varve.core.drive.SyncPointMark;
import io.varve.core.event.DriveEvent;
import io.varve.core.event.LogRecord;
import io.varve.core.fold.Effect;
import io.varve.core.fold.Fold;
import io.varve.core.snapshot.GranuleStates;
import io.varve.core.snapshot.Protection;
import io.varve.core.transaction.DrivePlan;
import io.varve.core.transaction.DrivePlan.PlannedBackup;
import io.varve.core.transaction.DrivePlan.PlannedCut;
import io.varve.core.transaction.DrivePlan.PlannedImport;
import java.io.IOException;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.SortedMap;
import java.util.TreeMap;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * One drive's part of a transaction: prepare before the hold, cut within it, complete after it, or undo.
 *
 * <p>All files and memory are had before the hold; all counting, hashing and durable writing follow it.
 *
 * <p>Thread: the agent's control lock.
 */
final class DriveTransaction {
    private static final Logger LOG = LoggerFactory.getLogger(DriveTransaction.class);
    private static final Granularity GRANULE = Granularity.DEFAULT;

    private final AttachedDrive drive;
    private final DrivePlan plan;
    private final AgentMeans means;
    private final SortedMap<BackupKey, Snapshot> snapshots = new TreeMap<>();
    private final LiveSet spare;
    private final LiveSet open;
    private final DriveState before;
    private final Epoch nextEpoch;
    private final Map<PlannedCut, Marks> cuts = new HashMap<>();
    private final Map<PlannedImport, Generation.Seal> imported = new HashMap<>();
    private Optional<WritePath.Cut> cut = Optional.empty();
    private List<Effect> effects = List.of();
    private List<StartedBackup> started = List.of();
    private Stage stage = Stage.PREPARED;

    private enum Stage {
        PREPARED,
        CUT,
        RECORDED
    }

    private DriveTransaction(AttachedDrive drive, DrivePlan plan, AgentMeans means, LiveSet spare) {
        this.drive = drive;
        this.plan = plan;
        this.means = means;
        this.spare = spare;
        this.open = drive.path().open();
        this.before = drive.state();
        this.nextEpoch = drive.path().nextEpoch();
    }

    /** @throws IOException when there are no means for the drive's part, in one sentence; nothing is left then */
    static DriveTransaction prepare(AttachedDrive drive, DrivePlan plan, AgentMeans means) throws IOException {
        int live = drive.path().snapshots().size();
        if (live + plan.backups().size() > AgentOptions.SNAPSHOTS_MAX) {
            throw new IOException("drive '" + plan.drive() + "' has " + live + " points in time, and may have no more "
                    + "than " + AgentOptions.SNAPSHOTS_MAX + ": wait for a backup to end, or cancel one");
        }
        LiveSet spare = drive.live().create(header(drive, plan.opened(), plan.openedGranularity()));
        DriveTransaction transaction = new DriveTransaction(drive, plan, means, spare);
        try {
            transaction.prepareSnapshots();
            return transaction;
        } catch (IOException | RuntimeException e) {
            transaction.undo("it wasn't begun");
            throw e;
        }
    }

    private static MarkFileHeader header(AttachedDrive drive, long generation, Granularity granularity) {
        DriveState state = drive.state();
        return new MarkFileHeader(
                state.journal(),
                drive.log().incarnation(),
                drive.path().open().header().boot(),
                generation,
                granularity,
                state.sizeBytes());
    }

    AttachedDrive drive() {
        return drive;
    }

    /** With the drive's gate held: guests wait. */
    void cut() {
        stage = Stage.CUT;
        cut = Optional.of(drive.path().cut(spare, nextEpoch, List.copyOf(snapshots.values())));
    }

    /**
     * Keeps the sealed generation's marks, durably.
     *
     * @throws IOException when that fails; {@link #undo} is next
     */
    void keep() throws IOException {
        drive.kept().keep(open.header(), open.marks());
        drive.keepLost();
    }

    /**
     * Keeps marks from elsewhere, durably, as a generation that guests skip.
     *
     * @throws IOException when that fails; {@link #undo} is next
     */
    void take(PlannedImport planned, Marks marks) throws IOException {
        drive.kept().keep(header(drive, planned.generation(), marks.granularity()), marks);
        imported.put(planned, seal(marks));
    }

    /**
     * Counts what backups copy, of marks that are all kept by now.
     *
     * @throws IOException when that fails; {@link #undo} is next
     */
    void count() throws IOException {
        for (PlannedBackup backup : plan.backups()) {
            if (backup.cut().isPresent()) {
                PlannedCut planned = backup.cut().get();
                cuts.put(planned, drive.kept().union(planned.generations(), planned.granularity(), open.header()));
            }
        }
    }

    /**
     * Writes the record that promises these marks, which were kept before it, and all that the plan changes.
     *
     * @throws IOException when that fails; {@link #undo} is next
     */
    void record() throws IOException {
        effects = drive.log().append(events());
        stage = Stage.RECORDED;
    }

    /** All drives have recorded: forgets what went, and starts what begins. */
    void complete() {
        drive.forget(effects);
        drive.unsealed().sealed(open);
        deleteQuietly(open);
        start(cuts);
        afterWritesInFlight(before.control() + 1);
        drive.tidy();
    }

    /** The backups that run now, once it's completed. */
    List<StartedBackup> started() {
        return started;
    }

    /**
     * Takes everything back, as if nothing had been but a seal, perhaps (I3). Bits that only the plan would have
     * dropped are there still.
     *
     * @throws IOException when what was recorded can't be taken back
     */
    void undo(String reason) throws IOException {
        try {
            switch (stage) {
                case PREPARED -> deleteQuietly(spare);
                case CUT -> uncut();
                case RECORDED -> revert(reason);
            }
        } finally {
            snapshots.values().forEach(Snapshot::release);
        }
    }

    private void uncut() throws IOException {
        if (drive.path().open() != open) {
            drive.path().gate().hold();
            try {
                drive.path().restore(open);
            } finally {
                drive.path().gate().letGo();
            }
        }
        drive.unsealed().forget(spare);
        deleteQuietly(spare);
        plan.imports().forEach(planned -> drive.kept().drop(planned.generation()));
        drive.kept().unkeep(plan.sealed());
    }

    /** The generation stays sealed, since that's in the log; the bitmaps are what they were. */
    private void revert(String reason) throws IOException {
        List<DriveEvent> events = new ArrayList<>();
        for (BackupKey key : snapshots.keySet()) {
            events.add(new DriveEvent.BackupConcluded(key, new Conclusion.Failed(reason)));
        }
        effects = new ArrayList<>(effects);
        effects.addAll(drive.log().append(events));
        DriveState now = drive.state();
        DriveState sealed = sealedOnly();
        effects.addAll(drive.log()
                .append(List.of(new DriveEvent.Checkpoint(
                        sealed.withUndecided(now.undecided()).withControl(now.control() + 1)))));
        drive.forget(effects);
        drive.unsealed().sealed(open);
        deleteQuietly(open);
    }

    /** The state after the seal and the imports, which no bitmap takes in. */
    private DriveState sealedOnly() {
        DriveState state = before;
        for (DriveEvent event : events()) {
            if (event instanceof DriveEvent.GenerationSealed || event instanceof DriveEvent.MarksImported) {
                LogRecord record = new LogRecord(plan.drive(), drive.log().incarnation(), state.control() + 1, event);
                state = Fold.apply(Optional.of(state), record).state().orElseThrow();
            }
            if (event instanceof DriveEvent.MarksImported taken) {
                Optional<Bitmap> into = state.bitmap(taken.into());
                state = into.isEmpty() ? state : state.with(into.get().leaving(taken.generation()));
            }
        }
        SortedMap<Long, Generation> generations = new TreeMap<>(state.generations());
        plan.imports().forEach(planned -> generations.remove(planned.generation()));
        return state.withGenerations(generations);
    }

    private List<DriveEvent> events() {
        return plan.events(
                seal(open.marks()),
                planned -> seal(known(cuts, planned)),
                key -> new SyncPointMark.SnapshotExport(means.options().exportAddress(), snapshotName(key)),
                planned -> known(imported, planned));
    }

    /** Its name is taken by nobody else, and goes with the next attach at the latest. */
    private void deleteQuietly(LiveSet set) {
        try {
            set.delete();
        } catch (IOException e) {
            LOG.warn("drive '{}': a live set that is done with can't be removed: {}", plan.drive(), e.toString());
        }
    }

    private void prepareSnapshots() throws IOException {
        for (PlannedBackup backup : plan.backups()) {
            String name = snapshotName(backup.key());
            Fleece fleece = Fleece.create(
                    means.options().fleeceDirectory(), name, means.options().fleeceBytesMax());
            // All is protected until the cut's marks are known, which is after the hold.
            GranuleStates states = new GranuleStates(GRANULE, backup.sizeBytes(), new Protection.Everything());
            snapshots.put(
                    backup.key(),
                    new Snapshot(name, drive.image().backend(), fleece, states, means.copyingFor(drive.path())));
        }
    }

    private String snapshotName(BackupKey key) {
        String name = plan.drive() + "@" + key.syncPoint();
        return key.ordinal() == 0 ? name : name + "." + key.ordinal();
    }

    private void start(Map<PlannedCut, Marks> cuts) {
        List<StartedBackup> backups = new ArrayList<>();
        DriveState state = drive.state();
        for (PlannedBackup planned : plan.backups()) {
            Snapshot snapshot = known(snapshots, planned.key());
            SyncPointMark mark = known(state.undecided(), planned.key()).mark();
            Optional<Marks> marks = planned.cut().map(c -> known(cuts, c));
            // A file's clusters may be larger than the granule: then more than the cut is read.
            boolean isOfArchive = planned.target() == BackupTarget.ARCHIVE;
            if (isOfArchive && planned.kind() instanceof BackupKind.Incremental && marks.isPresent()) {
                snapshot.narrow(Protection.of(marks.get(), GRANULE));
            }
            StartedBackup backup = new StartedBackup(mark, snapshot, marks);
            drive.backups()
                    .started(
                            backup,
                            new SnapshotExport(
                                    snapshot,
                                    planned.cut()
                                            .map(c -> new SnapshotExport.DirtyContext(
                                                    c.bitmap().value(), known(cuts, c)))));
            backups.add(backup);
        }
        started = List.copyOf(backups);
    }

    /** The image is flushed once the writes in flight at the cut have ended; only then are markers published. */
    private void afterWritesInFlight(long fromControl) {
        if (started.isEmpty()) {
            return;
        }
        DriveFeed feed = drive.feed();
        feed.holdMarkers(fromControl, drive.state().control());
        var _ = cut.orElseThrow()
                .before()
                .ended()
                .thenRunAsync(
                        () -> {
                            try {
                                drive.path().flushes();
                                drive.image().backend().undisturbed().flush();
                                drive.path().flushes();
                            } catch (IOException | RuntimeException e) {
                                started.forEach(b -> b.snapshot()
                                        .breakOff("the image couldn't be flushed after the cut: " + e.getMessage()));
                            }
                            started.forEach(b -> b.snapshot().openForReading());
                            feed.releaseMarkers(fromControl);
                        },
                        means.threads().flushes());
    }

    private static Generation.Seal seal(Marks marks) {
        return new Generation.Seal(marks.dirtyBytes(), marks.digest());
    }

    private static <K, V> V known(Map<K, V> map, K key) {
        return Optional.ofNullable(map.get(key)).orElseThrow();
    }
}
