package io.varve.capture.backend.qcow2;

import java.nio.ByteBuffer;

/** Zero bytes, as many as one likes. */
final class Zeroes {
    private static final int BLOCK_BYTES = 1 << 16;
    private static final ByteBuffer BLOCK =
            ByteBuffer.allocateDirect(BLOCK_BYTES).asReadOnlyBuffer();

    private Zeroes() {}

    /** Fills what remains of {@code into}. */
    static void fill(ByteBuffer into) {
        while (into.hasRemaining()) {
            into.put(BLOCK.slice(0, Math.min(BLOCK_BYTES, into.remaining())));
        }
    }
}
