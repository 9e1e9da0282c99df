package io.varve.formats.qcow2;

import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;

/**
 * A bitmap as the directory has it (qcow2.txt, "Bitmap directory").
 *
 * <pre>
 *  0 table offset    8 table entries   12 flags: bit 0 in use, 1 auto
 * 16 type (1)       17 granularity bits   18 name bytes   20 extra data bytes (0)   24 name, padded to 8 bytes
 * </pre>
 *
 * <p>An entry of its table: bits 9-55 a cluster's offset; without one, bit 0 says what all of the cluster's bits are.
 *
 * @param inUse somebody who changed it never said that it was complete again
 * @param auto whether writes are recorded as soon as somebody opens the image
 */
public record BitmapEntry(
        String name, int granularityBits, boolean inUse, boolean auto, long tableOffsetBytes, int tableEntries) {
    /** The table entry of a cluster whose bits are all set. */
    public static final long ALL_ONES = 1;

    static final int HEAD_BYTES = 24;
    static final int TABLE_ENTRIES_OFFSET = 8;
    static final int FLAGS_OFFSET = 12;
    static final int TYPE_OFFSET = 16;
    static final int GRANULARITY_OFFSET = 17;
    static final int NAME_BYTES_OFFSET = 18;
    static final int EXTRA_BYTES_OFFSET = 20;
    static final int TYPE = 1;
    static final int IN_USE = 1;
    static final int AUTO = 1 << 1;

    private static final long OFFSET_MASK = 0x00fffffffffffe00L;

    static int lengthBytes(int nameBytes) {
        return HeaderFields.padded(HEAD_BYTES + nameBytes);
    }

    public BitmapEntry withInUse() {
        return new BitmapEntry(name, granularityBits, true, auto, tableOffsetBytes, tableEntries);
    }

    int flags() {
        return (inUse ? IN_USE : 0) | (auto ? AUTO : 0);
    }

    int lengthBytes() {
        return lengthBytes(name.getBytes(StandardCharsets.UTF_8).length);
    }

    /** Whether a table may have such an entry, in an image with such a header, in a file of {@code fileBytes}. */
    public static boolean isValid(long entry, DriveHeader header, long fileBytes) {
        long offsetBytes = offsetBytes(entry);
        if (offsetBytes == 0) {
            return (entry & ~ALL_ONES) == 0;
        }
        return (entry & ~OFFSET_MASK) == 0
                && header.clusterSize().isAligned(offsetBytes)
                && offsetBytes <= fileBytes - header.clusterSize().bytes();
    }

    /** Where the bits of a table's entry stand; 0 when there are none. */
    public static long offsetBytes(long entry) {
        return entry & OFFSET_MASK;
    }

    void put(ByteBuffer into) {
        byte[] nameBytes = name.getBytes(StandardCharsets.UTF_8);
        int end = into.position() + lengthBytes(nameBytes.length);
        into.putLong(tableOffsetBytes).putInt(tableEntries).putInt(flags());
        into.put((byte) TYPE).put((byte) granularityBits).putShort((short) nameBytes.length);
        into.putInt(0).put(nameBytes);
        into.position(end);
    }
}
