package io.varve.formats.qcow2;

import java.nio.ByteBuffer;

/**
 * The header extension that says where an image's bitmap directory stands (qcow2.txt, "Bitmaps extension").
 *
 * <pre>
 *  0 bitmaps    4 zero    8 directory bytes   16 directory offset
 * </pre>
 */
record BitmapExtension(int bitmaps, long directoryBytes, long directoryOffsetBytes) {
    static final int TYPE = 0x23852875;
    static final int LENGTH_BYTES = 24;

    /** The autoclear feature that says that the extension is to be heeded. */
    static final long AUTOCLEAR = 1;

    private static final int RESERVED_OFFSET = 4;
    private static final int DIRECTORY_BYTES_OFFSET = 8;
    private static final int DIRECTORY_OFFSET_OFFSET = 16;

    /** As it stands in the header; not checked. */
    static BitmapExtension read(ByteBuffer head, int offset) {
        return new BitmapExtension(
                head.getInt(offset),
                head.getLong(offset + DIRECTORY_BYTES_OFFSET),
                head.getLong(offset + DIRECTORY_OFFSET_OFFSET));
    }

    static int reserved(ByteBuffer head, int offset) {
        return head.getInt(offset + RESERVED_OFFSET);
    }

    byte[] bytes() {
        return ByteBuffer.allocate(LENGTH_BYTES)
                .putInt(bitmaps)
                .putInt(0)
                .putLong(directoryBytes)
                .putLong(directoryOffsetBytes)
                .array();
    }
}
