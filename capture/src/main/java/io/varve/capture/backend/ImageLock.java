package io.varve.capture.backend;

import java.io.IOException;
import java.nio.file.Path;

/**
 * The lock of an image, in QEMU's own scheme (QEMU's block/file-posix.c): so a second agent is refused, and a QEMU that
 * would write to the image too.
 *
 * <p>Who uses a permission holds a shared lock on byte 100 + its number, who doesn't share it with others one on byte
 * 200 + its number; each then looks whether the opposite byte is locked by someone else. They're open file description
 * locks: they end with the description, and not with whatever other stream on the file this process closes.
 */
final class ImageLock {
    private static final long USED_BASE = 100;
    private static final long UNSHARED_BASE = 200;
    private static final int CONSISTENT_READ = 0;
    private static final int WRITE = 1;
    private static final int RESIZE = 3;
    private static final int[] READER_USES = {CONSISTENT_READ};
    private static final int[] WRITER_USES = {CONSISTENT_READ, WRITE, RESIZE};
    private static final int[] UNSHARED = {WRITE, RESIZE};

    private ImageLock() {}

    /**
     * Takes the lock.
     *
     * @throws IOException in one sentence when somebody else uses the image
     */
    static void acquire(int descriptor, Path image, BackendAccess access) throws IOException {
        int[] used = access == BackendAccess.READ_WRITE ? WRITER_USES : READER_USES;
        lockAll(descriptor, image, used, USED_BASE);
        lockAll(descriptor, image, UNSHARED, UNSHARED_BASE);
        refuseIfLocked(descriptor, image, used, UNSHARED_BASE);
        refuseIfLocked(descriptor, image, UNSHARED, USED_BASE);
    }

    private static void lockAll(int descriptor, Path image, int[] permissions, long base) throws IOException {
        for (int permission : permissions) {
            check(
                    image,
                    LinuxCalls.lockByte(descriptor, LinuxCalls.F_OFD_SETLK, LinuxCalls.F_RDLCK, base + permission));
        }
    }

    private static void refuseIfLocked(int descriptor, Path image, int[] permissions, long base) throws IOException {
        for (int permission : permissions) {
            int found = LinuxCalls.lockByte(descriptor, LinuxCalls.F_OFD_GETLK, LinuxCalls.F_WRLCK, base + permission);
            check(image, found);
            if (found != LinuxCalls.F_UNLCK) {
                throw inUse(image);
            }
        }
    }

    private static void check(Path image, int result) throws IOException {
        if (result == -LinuxCalls.EAGAIN || result == -LinuxCalls.EACCES) {
            throw inUse(image);
        }
        if (result < 0) {
            throw new IOException("image " + image + " can't be locked (errno " + -result
                    + "); put it on a file system with open file description locks");
        }
    }

    private static IOException inUse(Path image) {
        return new IOException(
                "image " + image + " is in use by another process; stop the other agent or VM that has it open");
    }
}
