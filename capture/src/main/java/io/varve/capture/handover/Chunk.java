package io.varve.capture.handover;

import java.nio.ByteBuffer;

/**
 * A piece of a part.
 *
 * @param offsetBytes where in the part it begins
 * @param sizeBytes of the whole part
 * @param data read-only
 */
public record Chunk(int offsetBytes, int sizeBytes, ByteBuffer data) {
    /** With base64, well within what a QMP server takes. */
    static final int BYTES_MAX = 256 << 10;

    public Chunk {
        data = data.asReadOnlyBuffer();
    }

    /** The piece of {@code whole} that begins at {@code offsetBytes}. */
    public static Chunk of(byte[] whole, int offsetBytes) {
        int from = Math.clamp(offsetBytes, 0, whole.length);
        int lengthBytes = Math.min(BYTES_MAX, whole.length - from);
        return new Chunk(from, whole.length, ByteBuffer.wrap(whole, from, lengthBytes));
    }

    /** A copy of what it carries. */
    public byte[] bytes() {
        byte[] bytes = new byte[data.remaining()];
        data.get(data.position(), bytes);
        return bytes;
    }

    /** Where the next one begins. */
    public int endBytes() {
        return offsetBytes + data.remaining();
    }
}
