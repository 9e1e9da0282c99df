package io.varve.capture.snapshot;

import io.varve.capture.backend.HolePunch;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.concurrent.atomic.AtomicLong;

/**
 * The sparse file that keeps old content, each byte at the offset that it has in the drive. It has no name once it's
 * open, so that nothing is left of it when the process dies.
 *
 * <p>Thread: safe for any thread.
 */
public final class Fleece implements AutoCloseable {
    private final FileChannel channel;
    private final HolePunch holes;
    private final long limitBytes;
    private final AtomicLong keptBytes = new AtomicLong();

    private Fleece(FileChannel channel, HolePunch holes, long limitBytes) {
        this.channel = channel;
        this.holes = holes;
        this.limitBytes = limitBytes;
    }

    /**
     * An empty fleece in {@code directory}.
     *
     * @param limitBytes how much it may keep
     */
    public static Fleece create(Path directory, String name, long limitBytes) throws IOException {
        Path file = directory.resolve(name + ".fleece");
        Files.deleteIfExists(file);
        FileChannel channel = FileChannel.open(
                file,
                StandardOpenOption.CREATE_NEW,
                StandardOpenOption.SPARSE,
                StandardOpenOption.READ,
                StandardOpenOption.WRITE);
        try {
            HolePunch holes = HolePunch.open(file);
            Files.deleteIfExists(file);
            return new Fleece(channel, holes, limitBytes);
        } catch (IOException e) {
            channel.close();
            throw e;
        }
    }

    /** Removes the names that a process left which died between the making of a fleece and the taking of its name. */
    public static void removeLeft(Path directory) throws IOException {
        try (DirectoryStream<Path> left = Files.newDirectoryStream(directory, "*.fleece")) {
            for (Path file : left) {
                Files.deleteIfExists(file);
            }
        }
    }

    /**
     * Keeps the remaining bytes of {@code content}.
     *
     * @throws IOException when the disk, or the limit, has no room for them
     */
    public void keep(long offsetBytes, ByteBuffer content) throws IOException {
        if (keptBytes.addAndGet(content.remaining()) > limitBytes) {
            throw new IOException("the fleece is full: its limit is " + limitBytes + " bytes");
        }
        long at = offsetBytes;
        while (content.hasRemaining()) {
            at += channel.write(content, at);
        }
    }

    /** Fills {@code into} with what was kept from {@code offsetBytes} on. */
    public void read(long offsetBytes, ByteBuffer into) throws IOException {
        long at = offsetBytes;
        while (into.hasRemaining()) {
            int count = channel.read(into, at);
            if (count < 0) {
                throw new IOException("the fleece ends at " + at + ", before " + (at + into.remaining()));
            }
            at += count;
        }
    }

    /** Gives back the space of a range that was kept as a whole; it's not read any more. */
    public void drop(long offsetBytes, long lengthBytes) throws IOException {
        keptBytes.addAndGet(-lengthBytes);
        holes.punch(offsetBytes, lengthBytes);
    }

    public long keptBytes() {
        return keptBytes.get();
    }

    @Override
    public void close() throws IOException {
        holes.close();
        channel.close();
    }
}
