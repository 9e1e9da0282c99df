package io.varve.formats.qcow2;

/**
 * Entries of the L1 and L2 tables (qcow2.txt, "L1 table", "L2 table").
 *
 * <pre>
 * bit 63 the cluster's refcount is exactly 1   62 compressed (L2)   9-55 host offset   0 reads as zeros (L2)
 * </pre>
 */
final class TableEntry {
    static final long UNALLOCATED = 0;
    static final long ZERO = 1;

    private static final long COPIED = 1L << 63;
    private static final long COMPRESSED = 1L << 62;
    private static final long OFFSET_MASK = 0x00fffffffffffe00L;

    private TableEntry() {}

    /** An entry for a host cluster that nothing else refers to. */
    static long of(long hostOffsetBytes) {
        return COPIED | hostOffsetBytes;
    }

    static long hostOffsetBytes(long entry) {
        return entry & OFFSET_MASK;
    }

    static boolean isCompressed(long entry) {
        return (entry & COMPRESSED) != 0;
    }

    static boolean isZero(long entry) {
        return (entry & ZERO) != 0;
    }

    /** Is the entry made of a host offset and its flag alone, which a table of the given kind may hold? */
    static boolean isPlain(long entry, long allowedFlags) {
        boolean isCopied = (entry & COPIED) != 0;
        boolean isReferring = hostOffsetBytes(entry) != 0;
        return (entry & ~(COPIED | OFFSET_MASK | allowedFlags)) == 0 && isCopied == isReferring;
    }
}
