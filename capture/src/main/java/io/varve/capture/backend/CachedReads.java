package io.varve.capture.backend;

import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.util.Optional;

/**
 * Reads of an image that are served from the page cache or not at all, by {@code preadv2} with {@code RWF_NOWAIT}
 * (Linux man-pages, preadv2(2)). Whether a file can do that depends on its file system, so each is asked.
 *
 * <p>Safe for any thread.
 */
final class CachedReads {
    private static final int PROBE_BYTES = 512;

    private final ImageDescriptor descriptor;

    private CachedReads(ImageDescriptor descriptor) {
        this.descriptor = descriptor;
    }

    /** Empty where the file system or the kernel can't. */
    static Optional<CachedReads> of(ImageDescriptor descriptor) throws IOException {
        MemorySegment probe = MemorySegment.ofBuffer(ByteBuffer.allocateDirect(PROBE_BYTES));
        long result = descriptor.readNoWait(probe, 0);
        return result >= 0 || result == -LinuxCalls.EAGAIN
                ? Optional.of(new CachedReads(descriptor))
                : Optional.empty();
    }

    /**
     * Fills {@code into}, a direct buffer, if all of it is in memory. Any failure is left to a read that waits: it
     * meets the same, and words it.
     */
    boolean read(long offsetBytes, ByteBuffer into) throws IOException {
        int lengthBytes = into.remaining();
        if (descriptor.readNoWait(MemorySegment.ofBuffer(into), offsetBytes) != lengthBytes) {
            return false;
        }
        into.position(into.limit());
        return true;
    }
}
