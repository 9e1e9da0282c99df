package io.varve.core.job;

import java.time.Duration;

/**
 * Limits a copy's speed as QEMU does: what a slice of 100 ms allows may go at once, and what goes beyond makes the
 * slice as much longer. A slice that's over takes nothing along, so a copy never catches up for time that it didn't
 * use.
 *
 * <p>A copy says what it moved, and then waits for as long as {@link #delayNanos} isn't 0. A new speed counts from now
 * on, also for what was moved in this slice: whoever waits must be woken to ask again.
 *
 * <p>Thread: the caller's, one at a time. Times are of a monotonic clock with any origin, in ns.
 */
public final class RateLimiter {
    private static final long SLICE_NANOS = Duration.ofMillis(100).toNanos();
    private static final double NANOS_PER_SECOND = Duration.ofSeconds(1).toNanos();

    private long sliceQuotaBytes;
    private long sliceStartNanos;
    private long sliceEndNanos;
    private long movedBytes;
    private boolean hasSlice;

    /**
     * Sets the speed, from now on.
     *
     * @param bytesPerSecond 0 for no limit
     */
    public void limit(long bytesPerSecond) {
        if (bytesPerSecond < 0) {
            throw new IllegalArgumentException("a speed of " + bytesPerSecond + " B/s, expected 0 or more");
        }
        sliceQuotaBytes =
                bytesPerSecond == 0 ? 0 : Math.max(1, (long) (bytesPerSecond * (SLICE_NANOS / NANOS_PER_SECOND)));
    }

    /** Counts what was moved; of no effect without a limit. */
    public void moved(long nowNanos, long bytes) {
        if (sliceQuotaBytes > 0) {
            beginSliceIfOver(nowNanos);
            movedBytes = saturatedSum(movedBytes, bytes);
            stretch();
        }
    }

    /** How long to wait before anything more may be moved; 0 for not at all. */
    public long delayNanos(long nowNanos) {
        if (sliceQuotaBytes == 0) {
            return 0;
        }
        beginSliceIfOver(nowNanos);
        stretch();
        return movedBytes < sliceQuotaBytes ? 0 : Math.max(0, sliceEndNanos - nowNanos);
    }

    private void beginSliceIfOver(long nowNanos) {
        if (!hasSlice || sliceEndNanos - nowNanos < 0) {
            hasSlice = true;
            sliceStartNanos = nowNanos;
            sliceEndNanos = nowNanos + SLICE_NANOS;
            movedBytes = 0;
        }
    }

    private void stretch() {
        if (movedBytes >= sliceQuotaBytes) {
            double slices = (double) movedBytes / sliceQuotaBytes;
            // No wait is so long that the clock's difference would turn over.
            sliceEndNanos = sliceStartNanos + (long) Math.min(slices * SLICE_NANOS, Long.MAX_VALUE / 4.0);
        }
    }

    private static long saturatedSum(long a, long b) {
        return a > Long.MAX_VALUE - b ? Long.MAX_VALUE : a + b;
    }
}
