package io.varve.capture.tracking;

import java.time.InstantSource;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.ThreadFactory;
import java.util.concurrent.atomic.AtomicInteger;

/**
 * An agent's threads, none of which is ever interrupted: an interrupt would close an image under all others.
 *
 * @param copies copy old content for snapshots
 * @param waitingWrites hold the guests' writes that wait for such copies; virtual ones, so that the writes of a drive
 *     whose image hangs leave room for those of the others
 * @param flushes flush images for guests, and after cuts
 * @param clock tells writes the time
 */
record AgentThreads(ExecutorService copies, ExecutorService waitingWrites, ExecutorService flushes, CoarseClock clock)
        implements AutoCloseable {
    private static final int COPIES = 4;

    static AgentThreads start(InstantSource clock) {
        return new AgentThreads(
                Executors.newFixedThreadPool(COPIES, named("varve-copy-")),
                Executors.newThreadPerTaskExecutor(
                        Thread.ofVirtual().name("varve-write-", 1).factory()),
                Executors.newCachedThreadPool(named("varve-flush-")),
                new CoarseClock(clock));
    }

    /** Ends them once they have done what was given to them. */
    @Override
    public void close() {
        waitingWrites.close();
        flushes.close();
        copies.close();
        clock.close();
    }

    private static ThreadFactory named(String prefix) {
        AtomicInteger count = new AtomicInteger();
        return task -> {
            Thread thread = new Thread(task, prefix + count.incrementAndGet());
            thread.setDaemon(true);
            return thread;
        };
    }
}
