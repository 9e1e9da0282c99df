package io.varve.capture.job;

import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.ReentrantLock;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The thread on which jobs move on, one step after the other, under the jobs' lock. It's never interrupted, since it
 * writes to drives' journals.
 */
final class JobsThread {
    private static final Logger LOG = LoggerFactory.getLogger(JobsThread.class);
    private static final long END_SECONDS_MAX = 30;

    private final ReentrantLock lock;
    private final ExecutorService executor = Executors.newSingleThreadExecutor(
            Thread.ofPlatform().daemon().name("varve-jobs").factory());

    JobsThread(ReentrantLock lock) {
        this.lock = lock;
    }

    /** Has {@code step} done soon; never blocks. After the end nothing is done any more. */
    void run(Runnable step) {
        try {
            executor.execute(() -> {
                lock.lock();
                try {
                    step.run();
                } catch (RuntimeException e) {
                    LOG.error("a job's step ended because of a bug", e);
                } finally {
                    lock.unlock();
                }
            });
        } catch (RejectedExecutionException e) {
            LOG.debug("a job's step came after the end");
        }
    }

    /** Ends once all steps so far are done. */
    void end() {
        executor.shutdown();
        try {
            if (!executor.awaitTermination(END_SECONDS_MAX, TimeUnit.SECONDS)) {
                LOG.warn("the jobs' thread hasn't ended within {} s", END_SECONDS_MAX);
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }
}
