package io.varve.restore;

import java.io.IOException;
import java.io.RandomAccessFile;
import java.nio.channels.FileChannel;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermission;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.EnumSet;
import java.util.Set;

/**
 * A raw image on its way: sparse, under a temporary name beside the final one. It's gone when it's closed before
 * {@link #appear}. Thread: its owner's only; the channel is safe for any.
 */
final class TargetFile implements AutoCloseable {
    /** Less what the process's mask takes away. */
    private static final Set<PosixFilePermission> PERMISSIONS = EnumSet.of(
            PosixFilePermission.OWNER_READ,
            PosixFilePermission.OWNER_WRITE,
            PosixFilePermission.GROUP_READ,
            PosixFilePermission.GROUP_WRITE,
            PosixFilePermission.OTHERS_READ,
            PosixFilePermission.OTHERS_WRITE);

    private final Path file;
    private final Path temporary;
    private final RandomAccessFile content;

    private TargetFile(Path file, Path temporary, RandomAccessFile content) {
        this.file = file;
        this.temporary = temporary;
        this.content = content;
    }

    /** Begins an image of this size; refuses to replace a file. */
    static TargetFile create(Path file, long sizeBytes) throws IOException {
        Path absolute = file.toAbsolutePath();
        refuseExisting(absolute);
        Path folder = absolute.getParent();
        if (folder == null || !Files.isDirectory(folder)) {
            throw new RestoreFailedException("can't restore to " + file + ": there is no folder " + folder);
        }
        try {
            Path temporary = Files.createTempFile(
                    folder,
                    absolute.getFileName() + ".",
                    ".partial",
                    PosixFilePermissions.asFileAttribute(PERMISSIONS));
            RandomAccessFile content = new RandomAccessFile(temporary.toFile(), "rw");
            TargetFile target = new TargetFile(absolute, temporary, content);
            content.setLength(sizeBytes);
            return target;
        } catch (IOException e) {
            throw new RestoreFailedException("can't write into the folder " + folder + ": " + e.getMessage(), e);
        }
    }

    private static void refuseExisting(Path file) throws RestoreFailedException {
        if (Files.exists(file)) {
            throw new RestoreFailedException(
                    file + " exists already, and a restore replaces nothing; remove it, or name another with --to");
        }
    }

    FileChannel channel() {
        return content.getChannel();
    }

    /** Makes what was written durable; it still has its temporary name. */
    void sync() throws IOException {
        channel().force(true);
        content.close();
    }

    /** Gives the image its name. */
    void appear() throws IOException {
        try {
            // Without "replace existing": a file that came meanwhile stays.
            Files.move(temporary, file);
        } catch (FileAlreadyExistsException e) {
            throw new RestoreFailedException(
                    file + " exists already, it came while the restore ran; nothing was done", e);
        }
    }

    /** Takes an image that has appeared back, since another one couldn't. */
    void disappear() throws IOException {
        Files.deleteIfExists(file);
    }

    @Override
    public void close() throws IOException {
        content.close();
        Files.deleteIfExists(temporary);
    }
}
