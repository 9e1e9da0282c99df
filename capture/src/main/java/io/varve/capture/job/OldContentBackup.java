package io.varve.capture.job;

import io.varve.capture.snapshot.OldContent;
import io.varve.capture.tracking.StartedBackup;
import io.varve.core.drive.Conclusion;
import io.varve.core.drive.SyncPointMark;
import io.varve.core.id.DriveId;
import io.varve.core.job.ErrorAction;
import io.varve.core.job.JobError;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.Optional;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Sync mode 'none': the target gets the old content of what guests overwrite, before they do; it ends only when it's
 * cancelled. So a target over the source shows the point in time.
 *
 * <p>A target that can't be written breaks the point in time, and with it the job; the guest's write goes on (I9).
 *
 * <p>Thread: guarded by the lock of {@link Jobs}, but for the copies.
 */
final class OldContentBackup implements Backup {
    private static final Logger LOG = LoggerFactory.getLogger(OldContentBackup.class);

    private final JobsMeans means;
    private final StartingBackup starting;
    private Optional<StartedBackup> taken = Optional.empty();
    private Optional<JobPort> port = Optional.empty();
    private boolean ended;
    private boolean released;

    /** Counted by the copies. */
    private volatile long copiedBytes;

    OldContentBackup(JobsMeans means, StartingBackup starting) {
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
        starting.filter().begin();
    }

    @Override
    public SyncPointMark mark() {
        return taken.orElseThrow().mark();
    }

    /** QEMU counts as done what needn't be done any more: nothing is. */
    @Override
    public JobProgress progress() {
        long sizeBytes = taken.map(backup -> backup.mark().sizeBytes()).orElse(0L);
        return new JobProgress(Math.min(copiedBytes, sizeBytes), sizeBytes);
    }

    @Override
    public Optional<JobFilter> filter() {
        JobProgress progress = progress();
        return starting.filter().shown(progress.lengthBytes() - progress.offsetBytes());
    }

    @Override
    public boolean isBusy() {
        return false;
    }

    @Override
    public Optional<Thread> thread() {
        return Optional.empty();
    }

    @Override
    public void start(JobPort to) {
        port = Optional.of(to);
        starting.target().node().backend().fence();
        try {
            taken.orElseThrow().snapshot().shareWith(new OldContent() {
                @Override
                public void keep(long offsetBytes, ByteBuffer content) throws IOException {
                    take(offsetBytes, content);
                }

                @Override
                public void broke(String reason) {
                    lost(reason);
                }
            });
        } catch (IOException e) {
            end(Optional.of(failure(e)));
        }
    }

    /** On a thread that copies old content. */
    private void take(long offsetBytes, ByteBuffer content) throws IOException {
        int lengthBytes = content.remaining();
        starting.target().node().io().writeNow(offsetBytes, content);
        // Who reads the source through the target must have done so before it changes.
        starting.target().node().backend().settle();
        addCopied(lengthBytes);
    }

    private synchronized void addCopied(long bytes) {
        copiedBytes += bytes;
    }

    /** On any thread. */
    private void lost(String reason) {
        means.thread().run(() -> end(Optional.of(JobError.io(reason.contains("No space left"), reason))));
    }

    private static JobError failure(IOException failure) {
        return JobError.io(Retrying.isNoSpace(failure), String.valueOf(failure.getMessage()));
    }

    private void end(Optional<JobError> error) {
        if (!ended) {
            ended = true;
            port.ifPresent(to -> to.ended(error));
        }
    }

    /** Guests' writes don't wait for pauses: the point in time would be lost. */
    @Override
    public void pause() {}

    @Override
    public void resume() {}

    @Override
    public void stop() {
        end(Optional.of(JobError.cancelled()));
    }

    /** As in QEMU, copies before writes are as fast as they can be. */
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
        throw new IllegalStateException("it never ends well");
    }

    @Override
    public void giveUp() {
        throw new IllegalStateException("nothing is stored before it ends");
    }

    @Override
    public Optional<JobError> conclude(Conclusion conclusion) {
        try {
            means.agent().conclude(drive(), key(), conclusion);
            return Optional.empty();
        } catch (IOException e) {
            LOG.error("job {}: its end couldn't be written down", starting.id(), e);
            return Optional.of(JobError.io(
                    false,
                    "drive '" + drive() + "': the end of its backup couldn't be written to the journal: "
                            + e.getMessage()));
        }
    }

    @Override
    public void release() {
        if (!released) {
            released = true;
            starting.release(false);
        }
    }
}
