package io.varve.capture.backend;

import java.io.IOException;
import java.nio.file.Path;

/**
 * Gives a file's space back, part by part, through a descriptor of its own.
 *
 * <p>Safe for any thread.
 */
public final class HolePunch implements AutoCloseable {
    private static final int CLOSED = -1;

    private final Path file;
    private int descriptor; // Guarded by this.

    private HolePunch(Path file, int descriptor) {
        this.file = file;
        this.descriptor = descriptor;
    }

    /** Opens a file, whose name may go afterwards. */
    public static HolePunch open(Path file) throws IOException {
        int descriptor = LinuxCalls.open(file, LinuxCalls.O_RDWR);
        if (descriptor < 0) {
            throw new IOException("file " + file + " can't be opened for writing (errno " + -descriptor + ")");
        }
        return new HolePunch(file, descriptor);
    }

    /**
     * Makes a range a hole, as far as it consists of whole blocks; the rest of it reads as zeroes. Does nothing when
     * this is closed, or where the file system has no holes.
     */
    public synchronized void punch(long offsetBytes, long lengthBytes) throws IOException {
        if (descriptor == CLOSED) {
            return;
        }
        int mode = LinuxCalls.FALLOC_PUNCH_HOLE | LinuxCalls.FALLOC_KEEP_SIZE;
        int result;
        do {
            result = LinuxCalls.fallocate(descriptor, mode, offsetBytes, lengthBytes);
        } while (result == -LinuxCalls.EINTR);
        if (result < 0 && result != -LinuxCalls.EOPNOTSUPP) {
            throw new IOException("fallocate of " + lengthBytes + " bytes at " + offsetBytes + " of file " + file
                    + " failed (errno " + -result + ")");
        }
    }

    @Override
    public synchronized void close() {
        if (descriptor != CLOSED) {
            LinuxCalls.close(descriptor);
            descriptor = CLOSED;
        }
    }
}
