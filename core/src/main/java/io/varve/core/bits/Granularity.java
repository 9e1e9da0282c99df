package io.varve.core.bits;

/** Bytes of one granule: a power of two from 512 B to 2 GiB (QEMU's limits for a dirty bitmap). */
public record Granularity(long bytes) {
    public static final long MIN_BYTES = 512;
    public static final long MAX_BYTES = 1L << 31;

    /** 64 KiB, qcow2's default cluster. */
    public static final Granularity DEFAULT = new Granularity(64 * 1024);

    public Granularity {
        if (!isValid(bytes)) {
            throw new IllegalArgumentException(
                    "granularity " + bytes + " bytes; expected a power of two from " + MIN_BYTES + " to " + MAX_BYTES);
        }
    }

    public static boolean isValid(long bytes) {
        return bytes >= MIN_BYTES && bytes <= MAX_BYTES && Long.bitCount(bytes) == 1;
    }

    public int shift() {
        return Long.numberOfTrailingZeros(bytes);
    }

    /** How many granules a drive of {@code sizeBytes} has; the last may be partial. */
    public long granules(long sizeBytes) {
        return (sizeBytes + bytes - 1) >>> shift();
    }

    public boolean isFinerThan(Granularity other) {
        return bytes < other.bytes;
    }

    public Granularity finer(Granularity other) {
        return isFinerThan(other) ? this : other;
    }
}
