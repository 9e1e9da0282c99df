package io.varve.capture.job;

import io.varve.capture.tracking.StartedBackup;
import io.varve.core.drive.BackupKey;
import io.varve.core.drive.Conclusion;
import io.varve.core.drive.SyncPointMark;
import io.varve.core.id.DriveId;
import io.varve.core.job.ErrorAction;
import io.varve.core.job.JobError;
import java.io.IOException;
import java.util.Optional;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** A backup that the sinks make and conclude; it's only watched here. Thread: guarded by the lock of {@link Jobs}. */
final class ArchiveBackup implements Backup {
    private static final Logger LOG = LoggerFactory.getLogger(ArchiveBackup.class);

    private final JobsMeans means;
    private final StartingBackup starting;
    private Optional<StartedBackup> taken = Optional.empty();
    private Optional<JobPort> port = Optional.empty();
    private JobProgress progress = new JobProgress(0, 0);

    ArchiveBackup(JobsMeans means, StartingBackup starting) {
        this.means = means;
        this.starting = starting;
    }

    @Override
    public DriveId drive() {
        return starting.drive();
    }

    @Override
    public void taken(StartedBackup backup) {
        taken = Optional.of(backup);
        progress = new JobProgress(0, StartingBackup.expectedBytes(backup));
    }

    @Override
    public SyncPointMark mark() {
        return taken.orElseThrow().mark();
    }

    /** Whether it's this one, and its point in time was taken. */
    boolean is(DriveId drive, BackupKey key) {
        return drive().equals(drive) && taken.isPresent() && key().equals(key);
    }

    void progressed(long copiedBytes, long totalBytes) {
        progress = new JobProgress(copiedBytes, totalBytes);
    }

    /** The archive, or the agent, says how it ended. */
    void concluded(Conclusion conclusion) {
        Optional<JobError> error = switch (conclusion) {
            case Conclusion.Committed _, Conclusion.Written _ -> Optional.empty();
            case Conclusion.Aborted(String reason) -> Optional.of(JobError.io(false, reason));
            case Conclusion.Failed(String reason) -> Optional.of(JobError.io(false, reason));
            case Conclusion.Cancelled _ -> Optional.of(JobError.cancelled());
        };
        if (error.isEmpty()) {
            progress = new JobProgress(progress.lengthBytes(), progress.lengthBytes());
        }
        port.ifPresent(to -> to.ended(error));
    }

    @Override
    public JobProgress progress() {
        return progress;
    }

    @Override
    public boolean isBusy() {
        return true;
    }

    @Override
    public Optional<Thread> thread() {
        return Optional.empty();
    }

    @Override
    public void start(JobPort to) {
        port = Optional.of(to);
    }

    /** Sinks can't be held: only an instant's hold comes here, since users are refused it. */
    @Override
    public void pause() {}

    @Override
    public void resume() {}

    @Override
    public void stop() {
        try {
            means.agent().conclude(drive(), key(), new Conclusion.Cancelled());
        } catch (IOException e) {
            LOG.error("job {} couldn't be cancelled: {}", starting.id(), e.getMessage());
        }
    }

    @Override
    public void limit(long bytesPerSecond) {}

    @Override
    public void act(ErrorAction action) {}

    @Override
    public Optional<JobError> objection() {
        return Optional.empty();
    }

    @Override
    public void prepare() {
        throw new IllegalStateException("the archive settles it");
    }

    @Override
    public void giveUp() {
        throw new IllegalStateException("the archive settles it");
    }

    @Override
    public Optional<JobError> conclude(Conclusion conclusion) {
        throw new IllegalStateException("the archive settles it");
    }

    @Override
    public void release() {
        if (taken.isPresent() && port.isEmpty()) {
            stop();
        }
        starting.release(true);
    }
}
