package io.varve.capture.tracking;

import io.varve.capture.snapshot.Fleece;
import io.varve.capture.snapshot.Snapshot;
import io.varve.capture.snapshot.SnapshotExport;
import io.varve.core.bits.Granularity;
import io.varve.core.bits.Marks;
import io.varve.core.drive.BackupKey;
import io.varve.core.drive.BackupKind;
import io.varve.core.drive.BackupTarget;
import io.varve.core.drive.Conclusion;
import io.varve.core.drive.DriveState;
import io.varve.core.drive.Generation;
import io.varve.core.drive.SyncPointMark;
import io.varve.core.snapshot.GranuleStates;
import io.varve.core.snapshot.Protection;
import io.varve.core.transaction.DrivePlan;
import io.varve.core.transaction.DrivePlan.PlannedBackup;
import io.varve.core.transaction.DrivePlan.PlannedCut;
import java.io.IOException;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.concurrent.TimeUnit;

/**
 * One drive's part of a transaction: prepare before the hold, cut within it, complete after it, or undo.
 *
 * <p>All files and memory are had before the hold; all counting, hashing and durable writing follow it.
 *
 * <p>Thread: the agent's control lock.
 */
final class DriveTransaction {
    private static final Granularity GRANULE = Granularity.DEFAULT;
    private static final long UNDO_SECONDS_MAX = 30;

    private final AttachedDrive drive;
    private final DrivePlan plan;
    private final AgentMeans means;
    private final SortedMap<BackupKey, Snapshot> snapshots = new TreeMap<>();
    private final LiveSet spare;
    private final Epoch nextEpoch;
    private Optional<WritePath.Cut> cut = Optional.empty();
    private List<StartedBackup> started = List.of();
    private Stage stage = Stage.PREPARED;

    private enum Stage {
        PREPARED,
        CUT,
        COMPLETED
    }

    private DriveTransaction(AttachedDrive drive, DrivePlan plan, AgentMeans means, LiveSet spare) {
        this.drive = drive;
        this.plan = plan;
        this.means = means;
        this.spare = spare;
        this.nextEpoch = drive.path().nextEpoch();
    }

    /** @throws IOException when there are no means for the drive's part, in one sentence; nothing is left then */
    static DriveTransaction prepare(AttachedDrive drive, DrivePlan plan, AgentMeans means) throws IOException {
        int live = drive.path().snapshots().size();
        if (live + plan.backups().size() > AgentOptions.SNAPSHOTS_MAX) {
            throw new IOException("drive '" + plan.drive() + "' has " + live + " points in time, and may have no more "
                    + "than " + AgentOptions.SNAPSHOTS_MAX + ": wait for a backup to end, or cancel one");
        }
        DriveState state = drive.state();
        LiveSet spare = drive.live()
                .create(new MarkFileHeader(
                        state.journal(),
                        drive.log().incarnation(),
                        drive.path().open().header().boot(),
                        plan.sealed() + 1,
                        plan.openedGranularity(),
                        state.sizeBytes()));
        DriveTransaction transaction = new DriveTransaction(drive, plan, means, spare);
        try {
            transaction.prepareSnapshots();
            return transaction;
        } catch (IOException e) {
            transaction.undo("it wasn't begun");
            throw e;
        }
    }

    AttachedDrive drive() {
        return drive;
    }

    /** With the drive's gate held: guests wait. */
    void cut() {
        cut = Optional.of(drive.path().cut(spare, nextEpoch, List.copyOf(snapshots.values())));
        stage = Stage.CUT;
    }

    /**
     * Makes the cut durable, and its points in time readable once the writes in flight at the cut have ended.
     *
     * @throws IOException when that fails; {@link #undo} is next
     */
    void complete() throws IOException {
        LiveSet sealed = cut.orElseThrow().sealed();
        // Bits first, then the record that promises them.
        drive.kept().keep(sealed.header(), sealed.marks());
        Map<PlannedCut, Marks> cuts = new HashMap<>();
        for (PlannedBackup backup : plan.backups()) {
            if (backup.cut().isPresent()) {
                PlannedCut planned = backup.cut().get();
                cuts.put(planned, drive.kept().union(planned.generations(), planned.granularity(), sealed.header()));
            }
        }
        long before = drive.state().control();
        drive.append(plan.events(
                seal(sealed.marks()),
                planned -> seal(known(cuts, planned)),
                key -> new SyncPointMark.SnapshotExport(means.options().exportAddress(), snapshotName(key))));
        stage = Stage.COMPLETED;
        sealed.delete();
        start(cuts);
        afterWritesInFlight(before + 1);
    }

    /** The backups that run now, once it's completed. */
    List<StartedBackup> started() {
        return started;
    }

    /**
     * Takes back what can be: before {@link #complete} as if nothing had been; after it the backups have failed, with
     * their bits put back (I3).
     */
    void undo(String reason) throws IOException {
        switch (stage) {
            case PREPARED -> spare.delete();
            case CUT -> {
                restore(cut.orElseThrow().sealed());
                spare.delete();
                drive.kept().drop(plan.sealed());
            }
            case COMPLETED -> {
                for (BackupKey key : snapshots.keySet()) {
                    boolean _ = drive.conclude(key, new Conclusion.Failed(reason));
                }
            }
        }
        snapshots.values().forEach(Snapshot::release);
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
            drive.started(
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
                                drive.image().backend().flush();
                            } catch (IOException e) {
                                started.forEach(b -> b.snapshot()
                                        .breakOff("the image couldn't be flushed after the cut: " + e.getMessage()));
                            }
                            started.forEach(b -> b.snapshot().openForReading());
                            feed.releaseMarkers(fromControl);
                        },
                        means.threads().flushes());
    }

    private void restore(LiveSet sealed) throws IOException {
        try {
            if (!drive.path().gate().tryHold(TimeUnit.SECONDS.toNanos(UNDO_SECONDS_MAX))) {
                throw new IOException("drive '" + plan.drive() + "': the gate couldn't be had to undo a cut");
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new IOException("drive '" + plan.drive() + "': interrupted while undoing a cut", e);
        }
        try {
            drive.path().restore(sealed);
        } finally {
            drive.path().gate().letGo();
        }
    }

    private static Generation.Seal seal(Marks marks) {
        return new Generation.Seal(marks.dirtyBytes(), marks.digest());
    }

    private static <K, V> V known(Map<K, V> map, K key) {
        return Optional.ofNullable(map.get(key)).orElseThrow();
    }
}
