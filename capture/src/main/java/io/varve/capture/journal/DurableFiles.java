package io.varve.capture.journal;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.util.Objects;

/** Files that appear whole and durable, or not at all. Thread: safe for any thread, one a file. */
public final class DurableFiles {
    private DurableFiles() {}

    /** Writes what a file holds. */
    @FunctionalInterface
    public interface Content {
        void writeTo(FileChannel channel) throws IOException;
    }

    /** Writes beside {@code file}, makes that durable, and then gives it its name, durably. */
    public static void replace(Path file, Content content) throws IOException {
        Path fresh = file.resolveSibling(file.getFileName() + ".new");
        try (FileChannel channel = FileChannel.open(
                fresh, StandardOpenOption.CREATE, StandardOpenOption.TRUNCATE_EXISTING, StandardOpenOption.WRITE)) {
            content.writeTo(channel);
            channel.force(true);
        } catch (IOException | RuntimeException e) {
            Files.deleteIfExists(fresh);
            throw e;
        }
        rename(fresh, file);
    }

    /** The directory, whose name is durable; those above it must be there. */
    public static Path createDirectory(Path directory) throws IOException {
        if (!Files.isDirectory(directory)) {
            Files.createDirectory(directory);
            force(Objects.requireNonNull(directory.toAbsolutePath().getParent()));
        }
        return directory;
    }

    /** Gives a durable file another name in its directory, durably, in the place of any that has it. */
    public static void rename(Path file, Path name) throws IOException {
        Files.move(file, name, StandardCopyOption.ATOMIC_MOVE, StandardCopyOption.REPLACE_EXISTING);
        force(Objects.requireNonNull(name.toAbsolutePath().getParent()));
    }

    /** Makes the names in {@code directory} durable. */
    public static void force(Path directory) throws IOException {
        try (FileChannel channel = FileChannel.open(directory, StandardOpenOption.READ)) {
            channel.force(true);
        }
    }

    /** Writes all of {@code bytes} at {@code positionBytes}. */
    public static void writeFully(FileChannel channel, ByteBuffer bytes, long positionBytes) throws IOException {
        long at = positionBytes;
        while (bytes.hasRemaining()) {
            at += channel.write(bytes, at);
        }
    }

    /** Fills {@code bytes} from {@code positionBytes} on, as far as the file goes. */
    public static void readFully(FileChannel channel, ByteBuffer bytes, long positionBytes) throws IOException {
        long at = positionBytes;
        while (bytes.hasRemaining()) {
            int count = channel.read(bytes, at);
            if (count < 0) {
                return;
            }
            at += count;
        }
    }
}
