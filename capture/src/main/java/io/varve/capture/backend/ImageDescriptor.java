package io.varve.capture.backend;

import io.varve.formats.nbd.NbdError;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.concurrent.locks.Lock;
import java.util.concurrent.locks.ReadWriteLock;
import java.util.concurrent.locks.ReentrantReadWriteLock;

/**
 * An image's own file descriptor, for what Java's channels can't do: the lock, holes, and finding them.
 *
 * <p>Safe for any thread; closing waits for calls in progress, so a number that the kernel gave to another file is
 * never used.
 */
final class ImageDescriptor implements AutoCloseable {
    private static final int CLOSED = -1;

    private final Path image;
    private final ReadWriteLock lock = new ReentrantReadWriteLock();
    private int descriptor; // Guarded by lock.

    private ImageDescriptor(Path image, int descriptor) {
        this.image = image;
        this.descriptor = descriptor;
    }

    /** Opens and locks. */
    static ImageDescriptor open(Path image, BackendAccess access) throws IOException {
        ImageDescriptor opened = openUnlocked(image, access);
        try {
            ImageLock.acquire(opened.open(), image, access);
        } catch (IOException e) {
            opened.close();
            throw e;
        }
        return opened;
    }

    /** Opens what this process has locked already. */
    static ImageDescriptor openUnlocked(Path image, BackendAccess access) throws IOException {
        if (!Files.exists(image)) {
            throw new IOException("image " + image + " doesn't exist");
        }
        if (Files.isDirectory(image)) {
            throw new IOException("image " + image + " is a directory; expected a raw file or a block device");
        }
        int flags = access == BackendAccess.READ_WRITE ? LinuxCalls.O_RDWR : LinuxCalls.O_RDONLY;
        int descriptor = LinuxCalls.open(image, flags);
        if (descriptor < 0) {
            throw new IOException("image " + image + " can't be opened for "
                    + (access == BackendAccess.READ_WRITE ? "reading and writing" : "reading") + " (errno "
                    + -descriptor + "); check its permissions");
        }
        return new ImageDescriptor(image, descriptor);
    }

    /** A path that leads to this very file, whatever has become of its name. */
    Path procPath() {
        return Path.of("/proc/self/fd/" + descriptor);
    }

    /** Whether fallocate did it; false when the file system or device can't. */
    boolean fallocate(int mode, long offsetBytes, long lengthBytes) throws IOException {
        Lock shared = lock.readLock();
        shared.lock();
        try {
            int result;
            do {
                result = LinuxCalls.fallocate(open(), mode, offsetBytes, lengthBytes);
            } while (result == -LinuxCalls.EINTR);
            return switch (-result) {
                case 0 -> true;
                case LinuxCalls.EOPNOTSUPP, LinuxCalls.ENODEV, LinuxCalls.EINVAL -> false;
                case LinuxCalls.ENOSPC ->
                    throw new RequestFailedException(NbdError.ENOSPC, "no space left for image " + image);
                default ->
                    throw new IOException("fallocate of " + lengthBytes + " bytes at " + offsetBytes + " of image "
                            + image + " failed (errno " + -result + ")");
            };
        } finally {
            shared.unlock();
        }
    }

    /**
     * The next data or hole at or after {@code offsetBytes}.
     *
     * @return its offset; {@code endBytes} when there's no more; {@code offsetBytes} when the file system can't tell
     */
    long seek(int whence, long offsetBytes, long endBytes) throws IOException {
        Lock shared = lock.readLock();
        shared.lock();
        try {
            long result = LinuxCalls.lseek(open(), offsetBytes, whence);
            if (result == -LinuxCalls.ENXIO) {
                return endBytes;
            }
            if (result == -LinuxCalls.EINVAL || result == -LinuxCalls.EOPNOTSUPP) {
                return whence == LinuxCalls.SEEK_DATA ? offsetBytes : endBytes;
            }
            if (result < 0) {
                throw new IOException(
                        "lseek to " + offsetBytes + " of image " + image + " failed (errno " + -result + ")");
            }
            return Math.min(result, endBytes);
        } finally {
            shared.unlock();
        }
    }

    /**
     * Reads what takes no waiting for a device.
     *
     * @param into native memory
     * @return the bytes read, or a negated errno
     */
    long readNoWait(MemorySegment into, long offsetBytes) throws IOException {
        Lock shared = lock.readLock();
        shared.lock();
        try {
            return LinuxCalls.readNoWait(open(), into, offsetBytes);
        } finally {
            shared.unlock();
        }
    }

    /** Has the kernel start to read a range into the page cache. */
    void willRead(long offsetBytes, long lengthBytes) {
        Lock shared = lock.readLock();
        shared.lock();
        try {
            if (descriptor != CLOSED) {
                // A hint: where it can't be taken, the read does all by itself.
                int _ = LinuxCalls.adviseWillNeed(descriptor, offsetBytes, lengthBytes);
            }
        } finally {
            shared.unlock();
        }
    }

    private int open() throws IOException {
        if (descriptor == CLOSED) {
            throw new RequestFailedException(NbdError.ESHUTDOWN, "image " + image + " is closed");
        }
        return descriptor;
    }

    @Override
    public void close() {
        lock.writeLock().lock();
        try {
            if (descriptor != CLOSED) {
                LinuxCalls.close(descriptor);
                descriptor = CLOSED;
            }
        } finally {
            lock.writeLock().unlock();
        }
    }
}
