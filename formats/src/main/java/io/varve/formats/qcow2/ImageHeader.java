package io.varve.formats.qcow2;

import java.nio.ByteBuffer;

/**
 * The header: what the image is, and where its tables stand.
 *
 * @param l1Entries at least the geometry's
 */
public record ImageHeader(
        ImageGeometry geometry,
        long l1OffsetBytes,
        int l1Entries,
        long refcountTableOffsetBytes,
        int refcountTableClusters) {
    /** The header with its extensions and the backing file's name is never longer than this. */
    public static final int HEAD_BYTES_MAX = 4096;

    /**
     * Reads a header, strictly: what Varve doesn't write is refused, whether or not it could be ignored.
     *
     * @param head the file's first {@link #HEAD_BYTES_MAX} bytes, or all of a shorter file
     */
    public static Decoding<ImageHeader> decode(ByteBuffer head, long fileBytes) {
        return HeaderDecoder.decode(head, fileBytes);
    }

    /** The file's first cluster. */
    ByteBuffer encode() {
        ByteBuffer out = ByteBuffer.allocate(geometry.clusterSize().bytes());
        out.putInt(HeaderFields.MAGIC);
        out.putInt(HeaderFields.VERSION);
        out.putLong(geometry.backing().map(HeaderFields::nameOffset).orElse(0));
        out.putInt(geometry.backing().map(backing -> backing.nameBytes().length).orElse(0));
        out.putInt(geometry.clusterSize().shift());
        out.putLong(geometry.sizeBytes());
        out.putInt(HeaderFields.L1_ENTRIES_OFFSET, l1Entries);
        out.putLong(HeaderFields.L1_OFFSET, l1OffsetBytes);
        out.putLong(HeaderFields.REFCOUNT_TABLE_OFFSET, refcountTableOffsetBytes);
        out.putInt(HeaderFields.REFCOUNT_TABLE_CLUSTERS_OFFSET, refcountTableClusters);
        out.putInt(HeaderFields.REFCOUNT_ORDER_OFFSET, HeaderFields.REFCOUNT_ORDER);
        out.putInt(HeaderFields.HEADER_LENGTH_OFFSET, HeaderFields.LENGTH_BYTES);
        geometry.backing().ifPresent(backing -> encodeBacking(backing, out.position(HeaderFields.LENGTH_BYTES)));
        return out.rewind();
    }

    private static void encodeBacking(Backing backing, ByteBuffer out) {
        byte[] format = backing.formatBytes();
        out.putInt(HeaderFields.EXTENSION_BACKING_FORMAT);
        out.putInt(format.length);
        out.put(format);
        out.position(HeaderFields.nameOffset(backing));
        out.put(backing.nameBytes());
    }
}
