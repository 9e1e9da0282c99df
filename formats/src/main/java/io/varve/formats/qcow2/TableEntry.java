package io.varve.formats.qcow2;

/**
 * Entries of the L1 and L2 tables (qcow2.txt, "L1 table", "L2 table").
 *
 * <pre>
 * bit 63 the cluster's refcount is exactly 1   62 compressed (L2)   9-55 host offset   0 reads as zeros (L2)
 * </pre>
 */
final class TableEntry {
    static final long ZERO = 1;

    private static final long COPIED = 1L << 63;

    private TableEntry() {}

    /** An entry for a host cluster that nothing else refers to. */
    static long of(long hostOffsetBytes) {
        return COPIED | hostOffsetBytes;
    }
}
