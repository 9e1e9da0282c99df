package io.varve.formats.qcow2;

/** Bytes of a cluster: a power of two from 512 B to 2 MiB (qcow2.txt, "Header", cluster_bits). */
public record ClusterSize(int bytes) {
    public static final int MIN_BYTES = 512;
    public static final int MAX_BYTES = 2 << 20;

    /** 64 KiB, as qemu-img takes it. */
    public static final ClusterSize DEFAULT = new ClusterSize(64 * 1024);

    private static final int TABLE_ENTRY_SHIFT = 3;
    private static final int REFCOUNT_SHIFT = 1;

    public ClusterSize {
        if (!isValid(bytes)) {
            throw new IllegalArgumentException(
                    "cluster size " + bytes + " bytes; expected a power of two from " + MIN_BYTES + " to " + MAX_BYTES);
        }
    }

    public static boolean isValid(long bytes) {
        return bytes >= MIN_BYTES && bytes <= MAX_BYTES && Long.bitCount(bytes) == 1;
    }

    public int shift() {
        return Integer.numberOfTrailingZeros(bytes);
    }

    /** How many clusters hold {@code lengthBytes}; the last may be partial. */
    public long clusters(long lengthBytes) {
        return lengthBytes == 0 ? 0 : ((lengthBytes - 1) >>> shift()) + 1;
    }

    /** The first byte of a cluster. */
    public long offsetBytes(long cluster) {
        return cluster << shift();
    }

    /** Is this the first byte of a cluster? */
    public boolean isAligned(long offsetBytes) {
        return (offsetBytes & (bytes - 1)) == 0;
    }

    /** Entries of 8 bytes in a table of one cluster: an L2 table's, or a cluster's worth of L1 or refcount table. */
    public int tableEntries() {
        return 1 << tableEntriesShift();
    }

    /** The binary logarithm of {@link #tableEntries}. */
    public int tableEntriesShift() {
        return shift() - TABLE_ENTRY_SHIFT;
    }

    /** Entries of 16 bits in a refcount block. */
    public int refcountsPerBlock() {
        return 1 << (shift() - REFCOUNT_SHIFT);
    }
}
