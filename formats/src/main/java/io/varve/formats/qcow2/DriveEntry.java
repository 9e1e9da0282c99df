package io.varve.formats.qcow2;

/**
 * Entries of the L1 and L2 tables of a drive, as numbers (qcow2.txt, "L1 table", "L2 table").
 *
 * <pre>
 * bit 63 the cluster's refcount is exactly 1   62 compressed (L2)   9-55 host offset   0 reads as zeros (L2)
 * compressed: x = 62 - (cluster bits - 8); bits 0 to x-1 host offset, x to 61 further sectors of 512 bytes
 * </pre>
 */
public final class DriveEntry {
    /** The backing file shows through; zeros without one. */
    public static final long UNALLOCATED = 0;

    /** It reads as zeros and has no place in the file. */
    public static final long ZERO = 1;

    /** An entry that no table can hold: stands for one that isn't valid. */
    public static final long INVALID = -1;

    private static final long COPIED = 1L << 63;
    private static final long COMPRESSED = 1L << 62;
    private static final long OFFSET_MASK = 0x00fffffffffffe00L;
    private static final int SECTOR_BYTES = 512;

    private DriveEntry() {}

    /** What an entry says. */
    public enum Kind {
        UNALLOCATED,
        ZERO,
        DATA,
        COMPRESSED
    }

    /** What a valid entry says. */
    public static Kind kind(long entry) {
        if ((entry & COMPRESSED) != 0) {
            return Kind.COMPRESSED;
        }
        if ((entry & ZERO) != 0) {
            return Kind.ZERO;
        }
        return hostOffsetBytes(entry) == 0 ? Kind.UNALLOCATED : Kind.DATA;
    }

    /** Whether the cluster may be written in place: its bytes stand in the file, and nothing else refers to them. */
    public static boolean isWritable(long entry) {
        return kind(entry) == Kind.DATA && isCopied(entry);
    }

    /** Whether nothing else refers to the cluster. */
    public static boolean isCopied(long entry) {
        return (entry & COPIED) != 0;
    }

    /** Where a table or an uncompressed cluster stands; 0 when there is none. */
    public static long hostOffsetBytes(long entry) {
        return entry & OFFSET_MASK;
    }

    /** The entry of a table or cluster that nothing else refers to. */
    public static long of(long hostOffsetBytes) {
        return COPIED | hostOffsetBytes;
    }

    /** The entry of a cluster that reads as zeros and keeps its place. */
    public static long zeroAt(long hostOffsetBytes) {
        return COPIED | hostOffsetBytes | ZERO;
    }

    /** The entry of a cluster that lies compressed in {@code bytes} from {@code hostOffsetBytes} on. */
    public static long compressed(long hostOffsetBytes, int bytes, ClusterSize clusterSize) {
        long furtherSectors = (hostOffsetBytes + bytes - 1) / SECTOR_BYTES - hostOffsetBytes / SECTOR_BYTES;
        return COMPRESSED | furtherSectors << sectorsShift(clusterSize) | hostOffsetBytes;
    }

    public static long compressedOffsetBytes(long entry, ClusterSize clusterSize) {
        return entry & ((1L << sectorsShift(clusterSize)) - 1);
    }

    /** Bytes from {@link #compressedOffsetBytes} in which the compressed cluster lies; it may end before. */
    public static int compressedBytes(long entry, ClusterSize clusterSize) {
        int furtherSectors = (int) ((entry & ~(COPIED | COMPRESSED)) >>> sectorsShift(clusterSize));
        int inSector = (int) (compressedOffsetBytes(entry, clusterSize) % SECTOR_BYTES);
        return (furtherSectors + 1) * SECTOR_BYTES - inSector;
    }

    private static int sectorsShift(ClusterSize clusterSize) {
        return 62 - (clusterSize.shift() - 8);
    }

    /** Whether the L2 entry may stand in an image with such a header, in a file of {@code fileBytes}. */
    public static boolean isValid(long entry, DriveHeader header, long fileBytes) {
        ClusterSize clusterSize = header.clusterSize();
        if ((entry & COMPRESSED) != 0) {
            return !isCopied(entry)
                    && compressedOffsetBytes(entry, clusterSize) >= clusterSize.bytes()
                    && compressedOffsetBytes(entry, clusterSize) < fileBytes;
        }
        boolean isKnown = (entry & ~(COPIED | OFFSET_MASK | (header.hasZeroClusters() ? ZERO : 0))) == 0;
        return isKnown && isPlace(entry, header, fileBytes);
    }

    /** Whether the L1 entry may stand in an image with such a header: its table lies wholly in the file. */
    public static boolean isValidTable(long entry, DriveHeader header, long fileBytes) {
        return (entry & ~(COPIED | OFFSET_MASK)) == 0
                && isPlace(entry, header, fileBytes - header.clusterSize().bytes() + 1);
    }

    private static boolean isPlace(long entry, DriveHeader header, long endBytes) {
        long hostOffsetBytes = hostOffsetBytes(entry);
        return hostOffsetBytes == 0
                ? !isCopied(entry)
                : header.clusterSize().isAligned(hostOffsetBytes) && hostOffsetBytes < endBytes;
    }
}
