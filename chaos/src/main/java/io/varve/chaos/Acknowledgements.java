package io.varve.chaos;

import java.time.Duration;
import java.util.OptionalLong;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;

/** Tells who waits for it that a write was acknowledged. Safe for any thread. */
final class Acknowledgements {
    private final ReentrantLock lock = new ReentrantLock();
    private final Condition came = lock.newCondition();
    /** Guarded by lock. */
    private long count;
    /** Guarded by lock. */
    private long lastBegunNanos = Long.MIN_VALUE;
    /** Guarded by lock. */
    private long lastNanos;

    void add(long begunNanos, long nanos) {
        lock.lock();
        try {
            count++;
            lastBegunNanos = Math.max(lastBegunNanos, begunNanos);
            lastNanos = nanos;
            came.signalAll();
        } finally {
            lock.unlock();
        }
    }

    long count() {
        lock.lock();
        try {
            return count;
        } finally {
            lock.unlock();
        }
    }

    /**
     * Waits for a write that was begun after {@code nanos}; when it was acknowledged, or empty after {@code patience}.
     */
    OptionalLong awaitBegunAfter(long nanos, Duration patience) throws InterruptedException {
        long left = patience.toNanos();
        lock.lock();
        try {
            while (lastBegunNanos < nanos && left > 0) {
                left = came.awaitNanos(left);
            }
            return lastBegunNanos < nanos ? OptionalLong.empty() : OptionalLong.of(lastNanos);
        } finally {
            lock.unlock();
        }
    }
}
