package io.varve.capture.tracking;

import io.varve.capture.journal.DurableFiles;
import io.varve.core.bits.Digest;
import io.varve.core.bits.Granularity;
import io.varve.core.bits.Marks;
import io.varve.core.drive.Generation;
import io.varve.core.id.JournalId;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collection;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.Set;
import java.util.SortedSet;
import java.util.stream.Collectors;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The marks of generations that don't change, in durable files of the drive's state directory, each mapped when it's
 * asked for first.
 *
 * <p>A sealed generation is {@code NUMBER.marks}; what the open one held at a clean detach, or at least all that the
 * activity log forgot, is {@code NUMBER.open}; what one holds together with others that are about to join it is
 * {@code NUMBER.merged}, until the journal says so, and then its {@code NUMBER.marks}.
 *
 * <p>Thread: under the drive's control lock.
 */
final class KeptMarks implements AutoCloseable {
    private static final Logger LOG = LoggerFactory.getLogger(KeptMarks.class);
    private static final int CHUNK_BYTES = 4096;

    private final Path directory;
    private final Map<Long, LiveSet> sealed = new HashMap<>();
    /** Those whose merged marks count, but haven't got their name. */
    private final Set<Long> unnamed = new HashSet<>();

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

    /** Whose marks it keeps. */
    Path directory() {
        return directory;
    }

    /** A generation isn't sealed after all: what its open marks were kept as stays. */
    void unkeep(long generation) throws IOException {
        close(generation);
        Files.deleteIfExists(sealedFile(generation));
    }

    /** A generation is sealed: what was kept of it while it was open isn't needed any more. */
    void dropOpen(long generation) throws IOException {
        Files.deleteIfExists(openFile(generation));
    }

    /**
     * The marks of a sealed generation.
     *
     * @throws IOException when they aren't there, or aren't marks
     */
    Marks marks(long generation) throws IOException {
        LiveSet known = sealed.get(generation);
        if (known == null) {
            Path merged = mergedFile(generation);
            Path file = unnamed.contains(generation) && Files.exists(merged) ? merged : sealedFile(generation);
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

    /**
     * What was kept of generations from {@code first} on while they were open: the whole, at a clean detach, or what
     * the activity log forgot. The caller closes them.
     */
    List<LiveSet> openFrom(long first, JournalId journal) throws IOException {
        List<LiveSet> found = new ArrayList<>();
        try (DirectoryStream<Path> files = Files.newDirectoryStream(directory, "*.open")) {
            for (Path file : files) {
                LiveSet.open(file).ifPresent(found::add);
            }
        } catch (IOException e) {
            found.forEach(LiveSet::close);
            throw e;
        }
        Map<Boolean, List<LiveSet>> byUse = found.stream()
                .collect(Collectors.partitioningBy(set -> set.header().generation() >= first
                        && set.header().journal().equals(journal)));
        Objects.requireNonNull(byUse.get(false)).forEach(LiveSet::close);
        return Objects.requireNonNull(byUse.get(true));
    }

    /**
     * Keeps the union of {@code generation} and {@code others}, which are as large and as fine, durably, beside what it
     * holds now; {@link #adopt} or {@link #reject} is next.
     *
     * @return the union
     */
    Marks merge(long generation, SortedSet<Long> others) throws IOException {
        Marks own = marks(generation);
        Marks union = Marks.none(own.granularity(), own.sizeBytes());
        union.union(own);
        for (long other : others) {
            union.union(marks(other));
        }
        LiveSet known = Objects.requireNonNull(sealed.get(generation));
        write(mergedFile(generation), known.header(), union);
        return union;
    }

    /** The journal says that {@code generation} holds what was merged into it. */
    void adopt(long generation) {
        close(generation);
        unnamed.add(generation);
        try {
            DurableFiles.rename(mergedFile(generation), sealedFile(generation));
            unnamed.remove(generation);
        } catch (IOException e) {
            LOG.warn("'{}' keeps its name until the drive is attached again: {}", mergedFile(generation), e.toString());
        }
    }

    /** What was to be merged into {@code generation} isn't. */
    void reject(long generation) throws IOException {
        Files.deleteIfExists(mergedFile(generation));
    }

    /** Gives merged marks that {@code generations} promise the name that a kill kept from them. */
    void settle(Collection<Generation> generations) throws IOException {
        for (Generation generation : generations) {
            Path file = mergedFile(generation.number());
            if (generation.seal().isEmpty() || !Files.exists(file)) {
                continue;
            }
            Optional<Digest> found = Optional.empty();
            Optional<LiveSet> merged = LiveSet.open(file);
            if (merged.isPresent()) {
                try (LiveSet set = merged.get()) {
                    found = Optional.of(set.marks().digest());
                }
            }
            if (found.equals(generation.seal().map(Generation.Seal::digest))) {
                DurableFiles.rename(file, sealedFile(generation.number()));
            }
        }
    }

    /** Removes a generation's marks. What can't be removed now is when the drive is attached again. */
    void drop(long generation) {
        close(generation);
        unnamed.remove(generation);
        for (Path file : List.of(sealedFile(generation), openFile(generation), mergedFile(generation))) {
            try {
                Files.deleteIfExists(file);
            } catch (IOException e) {
                LOG.warn("'{}' can't be removed now: {}", file, e.toString());
            }
        }
    }

    /** Removes what was left of generations that nobody needs, and what was never finished. */
    void dropAllBut(Set<Long> generations) throws IOException {
        try (DirectoryStream<Path> files = Files.newDirectoryStream(directory, "*.{marks,open,merged,new}")) {
            for (Path file : files) {
                String name = file.getFileName().toString();
                String number = name.substring(0, name.indexOf('.'));
                boolean isWhole = name.endsWith(".marks") || name.endsWith(".open");
                if (!isWhole
                        || !number.chars().allMatch(Character::isDigit)
                        || !generations.contains(Long.parseLong(number))) {
                    Files.delete(file);
                }
            }
        }
    }

    private void close(long generation) {
        LiveSet known = sealed.remove(generation);
        if (known != null) {
            known.close();
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

    private Path mergedFile(long generation) {
        return directory.resolve(generation + ".merged");
    }

    Path openFile(long generation) {
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
