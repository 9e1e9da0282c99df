package io.varve.capture.nbd;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.ByteChannel;

/**
 * What a connection has received and not yet consumed, in one direct buffer.
 *
 * <p>Thread: the connection's only.
 */
final class Inbox {
    /** Messages that are consumed as a whole are shorter than this. */
    static final int CAPACITY_BYTES = 512 * 1024;

    // Moving so little costs less than a receive into a short rest of the buffer.
    private static final int CHEAP_MOVE_BYTES = 4096;

    private ByteChannel channel;
    private final ByteBuffer buffer = ByteBuffer.allocateDirect(CAPACITY_BYTES).limit(0);

    Inbox(ByteChannel channel) {
        this.channel = channel;
    }

    /** Receives from {@code encrypted} from now on; what came in the clear and isn't consumed is thrown away. */
    void encrypt(ByteChannel encrypted) {
        channel = encrypted;
        buffer.clear().limit(0);
    }

    /** The unconsumed bytes, from position to limit; consumers advance the position. */
    ByteBuffer buffer() {
        return buffer;
    }

    /** Blocks until some bytes came; false at the end of the stream. Slices of the buffer become invalid. */
    boolean receive() throws IOException {
        int start = 0;
        if (buffer.remaining() <= CHEAP_MOVE_BYTES || buffer.limit() == buffer.capacity()) {
            buffer.compact();
        } else {
            start = buffer.position();
            buffer.position(buffer.limit()).limit(buffer.capacity());
        }
        int count = channel.read(buffer);
        buffer.limit(buffer.position()).position(start);
        return count >= 0;
    }
}
