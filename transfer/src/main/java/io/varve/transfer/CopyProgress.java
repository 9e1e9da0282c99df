package io.varve.transfer;

import java.time.Duration;

/**
 * How far a copy is; the source's bytes, whether they're data or zeros.
 *
 * @param totalBytes 0 until the copy has begun
 */
public record CopyProgress(long copiedBytes, long totalBytes, Duration elapsed) {
    /** Since the copy began. */
    public double bytesPerSecond() {
        double seconds = elapsed.toNanos() / 1e9;
        return seconds > 0 ? copiedBytes / seconds : 0;
    }
}
