package io.varve.capture.job;

import io.varve.capture.node.NodeCommits.Commit;
import io.varve.capture.node.NodeRefusedException;
import io.varve.core.drive.Conclusion;
import io.varve.core.job.ErrorAction;
import io.varve.core.job.JobEffect;
import io.varve.core.job.JobError;
import java.io.IOException;
import java.util.Optional;
import java.util.concurrent.TimeUnit;
import java.util.function.LongSupplier;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * QMP's block-commit. The commit of images that nobody writes to copies, and then has them left out. That of the active
 * image copies until it keeps up with the guests, is ready then, and at a client's word switches over to the base:
 *
 * <pre>
 * copying --nothing dirty--> ready --a word, and nothing dirty--> done --finalized--> guests held, rest copied,
 *                                                                                     the base under the device
 * </pre>
 *
 * <p>Between the end of the work and its finalizing guests go on writing to the old image: only the last step holds
 * them, and copies what they wrote until then.
 *
 * <p>Thread: guarded by the lock of {@link Jobs}, but for its own.
 */
public final class CommitJob implements Work {
    private static final Logger LOG = LoggerFactory.getLogger(CommitJob.class);

    /** How often a job that's ready looks for what guests wrote, as QEMU's does. */
    private static final long LOOK_NANOS = TimeUnit.MILLISECONDS.toNanos(100);

    private final Commit commit;
    private final CommitCopy copy;
    private final CopyBrake brake;
    private final ErrorDesk errors = new ErrorDesk();
    private final Retrying retrying;
    private final Retrying once;
    private final FinishWord word = new FinishWord();
    private Optional<JobPort> port = Optional.empty();
    private Optional<Thread> thread = Optional.empty();
    private boolean released;

    /** @param nanos a monotonic clock */
    public CommitJob(Commit commit, LongSupplier nanos) {
        this.commit = commit;
        this.copy = new CommitCopy(commit);
        this.brake = new CopyBrake(nanos, Long.MAX_VALUE);
        this.retrying = new Retrying(brake, errors);
        ErrorDesk deaf = new ErrorDesk();
        deaf.end();
        this.once = new Retrying(new CopyBrake(nanos, Long.MAX_VALUE), deaf);
    }

    @Override
    public JobProgress progress() {
        if (commit.isActive()) {
            long copiedBytes = copy.copiedBytes();
            return new JobProgress(copiedBytes, copiedBytes + copy.dirtyBytes());
        }
        return new JobProgress(copy.reachedBytes(), commit.top().backend().sizeBytes());
    }

    @Override
    public boolean isBusy() {
        return !brake.isThrottled();
    }

    @Override
    public Optional<Thread> thread() {
        return thread;
    }

    @Override
    public void start(JobPort to) {
        port = Optional.of(to);
        errors.open(to);
        thread = Optional.of(begin(() -> to.ended(done(() -> copyAll(to)))));
    }

    private static Thread begin(Runnable run) {
        return Thread.ofPlatform().daemon().name("varve-commit").start(run);
    }

    private interface Step {
        void run() throws IOException, InterruptedException, NodeRefusedException;
    }

    private static Optional<JobError> done(Step step) {
        try {
            step.run();
            return Optional.empty();
        } catch (InterruptedException e) {
            return Optional.of(JobError.cancelled());
        } catch (NodeRefusedException e) {
            return Optional.of(JobError.of(e.description()));
        } catch (IOException e) {
            // BLOCK_JOB_ERROR has told of it; QEMU's clients compare the end's event.
            LOG.warn("a commit failed: {}", e.getMessage());
            return Optional.of(
                    JobError.of(JobError.io(Retrying.isNoSpace(e), "").text()));
        } catch (RuntimeException e) {
            LOG.error("a commit ended because of a bug", e);
            return Optional.of(JobError.io(false, "the commit ended because of a bug: " + e));
        }
    }

    private void copyAll(JobPort to) throws IOException, InterruptedException, NodeRefusedException {
        commit.grow();
        copy.begin();
        if (!commit.isActive()) {
            boolean _ = copy.pass(retrying, brake::await);
            return;
        }
        boolean isTold = false;
        while (true) {
            boolean wasDirty = copy.pass(retrying, brake::await);
            if (!wasDirty && !isTold) {
                isTold = true;
                to.ready();
            } else if (!wasDirty && word.isGiven(LOOK_NANOS)) {
                return;
            }
            if (!brake.pass()) {
                throw new InterruptedException("the job is ending");
            }
        }
    }

    @Override
    public void pause() {
        brake.pause();
    }

    @Override
    public void resume() {
        brake.resume();
    }

    @Override
    public void stop() {
        errors.end();
        brake.end();
        word.end();
    }

    @Override
    public void finish(JobEffect.Finish how) {
        word.give(how);
    }

    @Override
    public void limit(long bytesPerSecond) {
        brake.limit(bytesPerSecond);
    }

    @Override
    public void act(ErrorAction action) {
        errors.answer(action);
    }

    @Override
    public Optional<JobError> objection() {
        return Optional.empty();
    }

    @Override
    public void prepare() {
        JobPort to = port.orElseThrow();
        thread = Optional.of(begin(() -> to.prepared(done(commit.isActive() ? this::settle : this::leaveOut))));
    }

    /** Guests wait meanwhile: nothing holds the copy back, and nothing is tried twice. */
    private void settle() throws IOException, InterruptedException, NodeRefusedException {
        commit.hold();
        try {
            boolean _ = copy.pass(once, _ -> {});
            commit.base().io().flushNow();
            copy.end();
            if (word.how() == JobEffect.Finish.SWITCH_OVER) {
                commit.switchOver();
            }
        } finally {
            commit.letGo();
        }
    }

    private void leaveOut() throws IOException, NodeRefusedException {
        commit.base().io().flushNow();
        commit.leaveOut();
    }

    @Override
    public void giveUp() {
        port.orElseThrow().prepared(Optional.empty());
    }

    /** No bitmap waits for it. */
    @Override
    public Optional<JobError> conclude(Conclusion conclusion) {
        return Optional.empty();
    }

    @Override
    public void release() {
        if (!released) {
            released = true;
            copy.end();
            commit.end();
        }
    }
}
