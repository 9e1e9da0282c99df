package io.varve.capture.snapshot;

import java.nio.ByteBuffer;
import java.util.concurrent.ConcurrentLinkedQueue;

/** Buffers for copies, used again and again; as many as there are copies at once. Thread: safe for any thread. */
public final class CopyBuffers {
    private static final int BUFFER_BYTES = 1 << 20;

    private final ConcurrentLinkedQueue<ByteBuffer> free = new ConcurrentLinkedQueue<>();

    /** A buffer with {@code lengthBytes} remaining. */
    ByteBuffer take(int lengthBytes) {
        ByteBuffer known = free.poll();
        if (known != null && known.capacity() >= lengthBytes) {
            return known.clear().limit(lengthBytes);
        }
        return ByteBuffer.allocateDirect(Math.max(BUFFER_BYTES, lengthBytes)).limit(lengthBytes);
    }

    void giveBack(ByteBuffer buffer) {
        free.add(buffer);
    }
}
