package io.varve.transfer.target;

import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.channels.FileLock;
import java.nio.channels.OverlappingFileLockException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * A file that appears whole or not at all: it's written beside its place, under the name with {@value #SUFFIX}, and
 * renamed. One that a killed process left there is written over; one that's being written is refused.
 */
final class NewFile {
    static final String SUFFIX = ".partial";

    private final Path path;
    private final Path partial;
    private final FileChannel channel;

    private NewFile(Path path, Path partial, FileChannel channel) {
        this.path = path;
        this.partial = partial;
        this.channel = channel;
    }

    static NewFile create(Path wanted) throws IOException {
        Path path = Files.exists(wanted) ? wanted.toRealPath() : wanted.toAbsolutePath();
        if (Files.exists(path) && !Files.isRegularFile(path)) {
            throw new IOException("'" + path + "' isn't a regular file; only such a one can be replaced");
        }
        Path partial = path.resolveSibling(path.getFileName() + SUFFIX);
        FileChannel channel =
                FileChannel.open(partial, StandardOpenOption.CREATE, StandardOpenOption.READ, StandardOpenOption.WRITE);
        try {
            lock(channel, partial);
            channel.truncate(0);
            return new NewFile(path, partial, channel);
        } catch (IOException e) {
            channel.close();
            throw e;
        }
    }

    /** The lock is held until the channel is closed. */
    static void lock(FileChannel channel, Path path) throws IOException {
        try {
            @Nullable FileLock lock = channel.tryLock();
            if (lock == null) {
                throw new IOException("'" + path + "' is being written by another process");
            }
        } catch (OverlappingFileLockException e) {
            throw new IOException("'" + path + "' is being written by another job", e);
        }
    }

    FileChannel channel() {
        return channel;
    }

    Path path() {
        return path;
    }

    /** What stands in the way of {@link #appear} now, in one sentence. */
    Optional<String> objection() {
        if (!Files.exists(partial)) {
            return Optional.of("'" + partial + "', which was being written, is gone; was its folder removed?");
        }
        return Files.exists(path) && !Files.isRegularFile(path)
                ? Optional.of("'" + path + "' isn't a regular file any more; only such a one can be replaced")
                : Optional.empty();
    }

    /** Makes the file appear, durable. */
    void appear() throws IOException {
        channel.force(true);
        Files.move(partial, path, StandardCopyOption.ATOMIC_MOVE);
        channel.close();
        Path folder = path.getParent();
        if (folder != null) {
            try (FileChannel entries = FileChannel.open(folder, StandardOpenOption.READ)) {
                entries.force(true);
            }
        }
    }

    void discard() throws IOException {
        Files.deleteIfExists(partial);
        channel.close();
    }
}
