package io.varve.capture.tracking;

import io.varve.capture.nbd.Export;
import io.varve.capture.nbd.ExportRegistry;
import io.varve.core.bits.Marks;
import io.varve.core.drive.BackupKey;
import io.varve.core.drive.Conclusion;
import io.varve.core.drive.UndecidedBackup;
import io.varve.core.event.DriveEvent;
import io.varve.core.transaction.DrivePlan;
import io.varve.core.transaction.Plan;
import io.varve.core.transaction.Uncopied;
import java.io.IOException;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * A drive's backups since the agent attached: those whose snapshots are there, and the ends that the journal hasn't
 * taken yet.
 *
 * <p>Thread: the agent's control lock.
 */
final class DriveBackups {
    private static final Logger LOG = LoggerFactory.getLogger(DriveBackups.class);

    private final AttachedDrive drive;
    private final ExportRegistry exports;
    private final Map<BackupKey, StartedBackup> running = new HashMap<>();
    private final Map<BackupKey, Conclusion> owed = new HashMap<>();

    DriveBackups(AttachedDrive drive, ExportRegistry exports) {
        this.drive = drive;
        this.exports = exports;
    }

    /** One whose snapshot is there. */
    Optional<StartedBackup> running(BackupKey key) {
        return Optional.ofNullable(running.get(key));
    }

    /** Whether none is running. */
    boolean isEmpty() {
        return running.isEmpty();
    }

    /** Its snapshot is there, and offered from now on. */
    void started(StartedBackup backup, Export export) {
        running.put(backup.mark().key(), backup);
        exports.add(backup.snapshot().name(), export, "snapshot of a drive, kept by Varve for a backup");
    }

    /** A backup's end couldn't be written down: whoever waited for it was told that it failed, so that's its end. */
    void owe(BackupKey key, Conclusion conclusion) {
        boolean isDecided = conclusion instanceof Conclusion.Committed || conclusion instanceof Conclusion.Aborted;
        owed.put(
                key, isDecided ? conclusion : new Conclusion.Failed("its end couldn't be written to the journal then"));
    }

    /** The ends that are to be written down as soon as the journal takes them. */
    Map<BackupKey, Conclusion> owed() {
        return Map.copyOf(owed);
    }

    /**
     * Writes down how a backup ended, unless that's known, and lets its snapshot go.
     *
     * @return whether it was written down now
     */
    boolean conclude(BackupKey key, Conclusion conclusion) throws IOException {
        UndecidedBackup undecided = drive.state().undecided().get(key);
        boolean isNews = undecided != null && saysMore(undecided, conclusion);
        if (isNews) {
            drive.append(List.of(new DriveEvent.BackupConcluded(key, conclusion)));
        }
        owed.remove(key);
        StartedBackup ended = running.remove(key);
        if (ended != null) {
            exports.remove(ended.snapshot().name());
            ended.snapshot().release();
        }
        drive.tidy();
        return isNews;
    }

    /** As the other; the bitmap of a backup with bitmap-mode 'always' keeps only {@code uncopied} of the cut. */
    boolean conclude(BackupKey key, Conclusion conclusion, Marks uncopied, AgentMeans means) throws IOException {
        Optional<DrivePlan> plan = conclusion instanceof Conclusion.Failed || conclusion instanceof Conclusion.Cancelled
                ? Uncopied.plan(drive.state(), key, uncopied.granularity(), conclusion)
                : Optional.empty();
        boolean isReduced = false;
        if (plan.isPresent()) {
            Transacted reduced =
                    new TransactionRun(_ -> drive, means).run(new Plan.Planned(List.of(plan.get())), _ -> uncopied);
            isReduced = reduced instanceof Transacted.Done;
            if (reduced instanceof Transacted.Refused(String reason)) {
                LOG.warn(
                        "drive '{}': a bitmap keeps what was copied, too: {}",
                        drive.image().drive(),
                        reason);
            }
        }
        // The snapshot goes in either case.
        return conclude(key, conclusion) || isReduced;
    }

    private static boolean saysMore(UndecidedBackup undecided, Conclusion conclusion) {
        return undecided.phase() == UndecidedBackup.Phase.RUNNING
                || conclusion instanceof Conclusion.Committed
                || conclusion instanceof Conclusion.Aborted;
    }

    /** Cancels those that run. */
    void cancel() throws IOException {
        for (BackupKey key : List.copyOf(running.keySet())) {
            boolean _ = conclude(key, new Conclusion.Cancelled());
        }
    }

    /** Lets go of all snapshots, whatever became of the backups. */
    void release() {
        running.values().forEach(backup -> {
            exports.remove(backup.snapshot().name());
            backup.snapshot().release();
        });
        running.clear();
    }
}
