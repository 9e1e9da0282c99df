package io.varve.capture.job;

import io.varve.core.bits.Extent;
import io.varve.core.bits.Marks;
import io.varve.core.job.RateLimiter;
import io.varve.transfer.CopyPace;
import java.util.Optional;
import java.util.concurrent.TimeUnit;
import java.util.function.LongSupplier;

/**
 * Holds a job's copy back: while it's paused, and as its speed wants it; and keeps what was copied.
 *
 * <p>Safe for any thread; an interrupt ends no wait of {@link #pass}, {@link #end} ends all.
 */
final class CopyBrake implements CopyPace {
    /** QEMU ignores errors as fast as they come; clients would drown in events. */
    private static final long IGNORED_NANOS = TimeUnit.MILLISECONDS.toNanos(20);

    private final LongSupplier nanos;
    private final long chunkBytesMax;
    private final RateLimiter limiter = new RateLimiter();
    private Optional<Marks> copied = Optional.empty();
    private boolean limited;
    private boolean paused;
    private boolean ended;
    private boolean throttled;

    /** @param nanos a monotonic clock */
    CopyBrake(LongSupplier nanos, long chunkBytesMax) {
        this.nanos = nanos;
        this.chunkBytesMax = chunkBytesMax;
    }

    @Override
    public long chunkBytesMax() {
        return chunkBytesMax;
    }

    synchronized void limit(long bytesPerSecond) {
        limited = bytesPerSecond > 0;
        limiter.limit(bytesPerSecond);
        notifyAll();
    }

    synchronized boolean isLimited() {
        return limited;
    }

    synchronized void pause() {
        paused = true;
    }

    synchronized void resume() {
        paused = false;
        notifyAll();
    }

    /** The job ends: nothing waits any more. */
    synchronized void end() {
        ended = true;
        notifyAll();
    }

    synchronized boolean isThrottled() {
        return throttled;
    }

    /** Has what is copied marked from now on. */
    synchronized void keep(Marks marks) {
        copied = Optional.of(marks);
    }

    @Override
    public synchronized void copied(Extent extent) {
        copied.ifPresent(marks -> marks.mark(extent));
    }

    @Override
    public synchronized void await(long bytes) throws InterruptedException {
        while (!ended) {
            long delayNanos = limiter.delayNanos(nanos.getAsLong());
            if (paused) {
                wait();
            } else if (delayNanos > 0) {
                throttled = true;
                TimeUnit.NANOSECONDS.timedWait(this, delayNanos);
            } else {
                break;
            }
        }
        throttled = false;
        if (ended) {
            throw new InterruptedException("the job is ending");
        }
        limiter.moved(nanos.getAsLong(), bytes);
    }

    /**
     * Waits while the job is paused.
     *
     * @return whether the job goes on
     */
    synchronized boolean pass() {
        boolean interrupted = false;
        while (paused && !ended) {
            try {
                wait();
            } catch (InterruptedException e) {
                interrupted = true;
            }
        }
        if (interrupted) {
            Thread.currentThread().interrupt();
        }
        return !ended;
    }

    /** Lets a while pass before what failed is tried again. */
    synchronized void rest() {
        long untilNanos = nanos.getAsLong() + IGNORED_NANOS;
        try {
            for (long left = IGNORED_NANOS; left > 0 && !ended; left = untilNanos - nanos.getAsLong()) {
                TimeUnit.NANOSECONDS.timedWait(this, left);
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }
}
