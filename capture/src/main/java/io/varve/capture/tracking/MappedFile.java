package io.varve.capture.tracking;

import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;

/**
 * A file mapped as memory. Every page of a created one is written first, so that memory-backed storage that is full
 * shows as an error here and not as a SIGBUS at a later store, and so that no store faults.
 */
final class MappedFile implements AutoCloseable {
    private static final int CHUNK_BYTES = 1 << 20;

    private final Path path;
    private final Arena arena;
    private final MemorySegment segment;

    private MappedFile(Path path, Arena arena, MemorySegment segment) {
        this.path = path;
        this.arena = arena;
        this.segment = segment;
    }

    /** A file of {@code sizeBytes} zero bytes, in the place of any that is there. */
    static MappedFile create(Path path, long sizeBytes) throws IOException {
        try (FileChannel channel = FileChannel.open(
                path,
                StandardOpenOption.CREATE,
                StandardOpenOption.TRUNCATE_EXISTING,
                StandardOpenOption.READ,
                StandardOpenOption.WRITE)) {
            ByteBuffer zeroes = ByteBuffer.allocateDirect((int) Math.min(CHUNK_BYTES, sizeBytes));
            for (long at = 0; at < sizeBytes; ) {
                zeroes.clear().limit((int) Math.min(zeroes.capacity(), sizeBytes - at));
                at += channel.write(zeroes, at);
            }
            MappedFile mapped = map(path, channel, FileChannel.MapMode.READ_WRITE);
            mapped.segment.load();
            return mapped;
        } catch (IOException e) {
            Files.deleteIfExists(path);
            throw e;
        }
    }

    static MappedFile openReadOnly(Path path) throws IOException {
        try (FileChannel channel = FileChannel.open(path, StandardOpenOption.READ)) {
            return map(path, channel, FileChannel.MapMode.READ_ONLY);
        }
    }

    MemorySegment segment() {
        return segment;
    }

    Path path() {
        return path;
    }

    /** Unmaps it, unless that was done; whoever still uses the segment gets an IllegalStateException. */
    @Override
    public void close() {
        if (arena.scope().isAlive()) {
            arena.close();
        }
    }

    void delete() throws IOException {
        close();
        Files.deleteIfExists(path);
    }

    @SuppressWarnings("MustBeClosedChecker") // closed by close()
    private static MappedFile map(Path path, FileChannel channel, FileChannel.MapMode mode) throws IOException {
        Arena arena = Arena.ofShared();
        try {
            return new MappedFile(path, arena, channel.map(mode, 0, channel.size(), arena));
        } catch (IOException e) {
            arena.close();
            throw e;
        }
    }
}
