package io.varve.capture.tracking;

import io.varve.capture.journal.DurableFiles;
import io.varve.core.bits.Granularity;
import io.varve.core.bits.Marks;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.SortedSet;

/**
 * The marks of generations that don't change, in durable files of the drive's state directory, each mapped when it's
 * asked for first.
 *
 * <p>A sealed generation is {@code NUMBER.marks}; what the open one held at a clean detach is {@code NUMBER.open}.
 *
 * <p>Thread: under the drive's control lock.
 */
final class KeptMarks implements AutoCloseable {
    private static final int CHUNK_BYTES = 4096;

    private final Path directory;
    private final Map<Long, LiveSet> sealed = new HashMap<>();

    KeptMarks(Path directory) {
        this.directory = directory;
    }

    /** Keeps a sealed generation, durably. */
    void keep(MarkFileHeader header, Marks marks) throws IOException {
        write(sealedFile(header.generation()), header, marks);
    }

    /** Keeps what the open generation holds at a clean detach, durably. */
    void keepOpen(MarkFileHeader header, Marks marks) throws IOException {
        write(openFile(header.generation()), header, marks);
    }

    /**
     * The marks of a sealed generation.
     *
     * @throws IOException when they aren't there, or aren't marks
     */
    Marks marks(long generation) throws IOException {
        LiveSet known = sealed.get(generation);
        if (known == null) {
            Path file = sealedFile(generation);
            known = LiveSet.open(file)
                    .orElseThrow(() -> new IOException("'" + file + "' doesn't hold the marks of generation "
                            + generation + ": take a full backup of the drive"));
            sealed.put(generation, known);
        }
        return known.marks();
    }

    /** The union of sealed {@code generations} at {@code granularity}, for a drive as large as {@code like} says. */
    Marks union(SortedSet<Long> generations, Granularity granularity, MarkFileHeader like) throws IOException {
        Marks union = Marks.none(granularity, like.sizeBytes());
        for (long generation : generations) {
            union.union(marks(generation));
        }
        return union;
    }

    /** What the open generation held at a clean detach; the caller closes it. */
    Optional<LiveSet> open(long generation) throws IOException {
        Path file = openFile(generation);
        return Files.exists(file) ? LiveSet.open(file) : Optional.empty();
    }

    void drop(long generation) throws IOException {
        LiveSet known = sealed.remove(generation);
        if (known != null) {
            known.close();
        }
        Files.deleteIfExists(sealedFile(generation));
        Files.deleteIfExists(openFile(generation));
    }

    /** Removes what was left of generations that nobody needs. */
    void dropAllBut(Set<Long> generations) throws IOException {
        try (DirectoryStream<Path> files = Files.newDirectoryStream(directory, "*.{marks,open}")) {
            for (Path file : files) {
                String name = file.getFileName().toString();
                String number = name.substring(0, name.indexOf('.'));
                if (!number.chars().allMatch(Character::isDigit) || !generations.contains(Long.parseLong(number))) {
                    Files.delete(file);
                }
            }
        }
    }

    @Override
    public void close() {
        sealed.values().forEach(LiveSet::close);
        sealed.clear();
    }

    private Path sealedFile(long generation) {
        return directory.resolve(generation + ".marks");
    }

    private Path openFile(long generation) {
        return directory.resolve(generation + ".open");
    }

    private static void write(Path file, MarkFileHeader header, Marks marks) throws IOException {
        DurableFiles.replace(file, channel -> {
            ByteBuffer page = ByteBuffer.allocate(MarkFileHeader.BYTES);
            header.writeTo(MemorySegment.ofBuffer(page));
            DurableFiles.writeFully(channel, page, 0);
            writeBits(channel, marks);
            padTo(channel, header.fileBytes());
        });
    }

    /** Writes the chunks that hold a set bit; the others stay holes. */
    private static void writeBits(FileChannel channel, Marks marks) throws IOException {
        ByteBuffer chunk = ByteBuffer.allocate(CHUNK_BYTES).order(ByteOrder.LITTLE_ENDIAN);
        int chunkWords = CHUNK_BYTES / Long.BYTES;
        for (long bit = marks.bits().nextSet(0); bit >= 0; ) {
            long firstWord = (bit >>> 6) / chunkWords * chunkWords;
            long endWord = Math.min(marks.bits().wordCount(), firstWord + chunkWords);
            chunk.clear();
            for (long word = firstWord; word < endWord; word++) {
                chunk.putLong(marks.bits().word(word));
            }
            DurableFiles.writeFully(channel, chunk.flip(), MarkFileHeader.BYTES + firstWord * Long.BYTES);
            long nextBit = endWord << 6;
            bit = nextBit >= marks.bits().bitCount() ? -1 : marks.bits().nextSet(nextBit);
        }
    }

    private static void padTo(FileChannel channel, long sizeBytes) throws IOException {
        if (channel.size() < sizeBytes) {
            DurableFiles.writeFully(channel, ByteBuffer.allocate(1), sizeBytes - 1);
        }
    }
}
