package io.varve.capture.tracking;

import io.varve.core.bits.HierarchicalBitSet;
import io.varve.core.bits.Marks;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.lang.invoke.VarHandle;
import java.nio.ByteOrder;
import java.nio.file.Path;
import java.util.Optional;

/**
 * The marks of one generation in a mapped file: on memory-backed storage while writes mark it, so that they survive the
 * process at no cost for a write.
 *
 * <p>Thread: marking is safe for any thread; closing wants that nobody uses it any more.
 */
final class LiveSet implements AutoCloseable {
    private static final VarHandle LONGS =
            ValueLayout.JAVA_LONG.withOrder(ByteOrder.LITTLE_ENDIAN).varHandle();

    private final MappedFile file;
    private final MarkFileHeader header;
    private final Marks marks;

    private LiveSet(MappedFile file, MarkFileHeader header) {
        this.file = file;
        this.header = header;
        MemorySegment words = file.segment().asSlice(MarkFileHeader.BYTES);
        this.marks =
                new Marks(header.granularity(), header.sizeBytes(), HierarchicalBitSet.over(words, header.bitCount()));
    }

    /** An empty set, with every page in memory. */
    static LiveSet create(Path path, MarkFileHeader header) throws IOException {
        MappedFile file = MappedFile.create(path, header.fileBytes());
        header.writeTo(file.segment());
        return new LiveSet(file, header);
    }

    /** The set in {@code path}, read-only; empty when that isn't a file of marks. */
    static Optional<LiveSet> open(Path path) throws IOException {
        MappedFile file = MappedFile.openReadOnly(path);
        Optional<MarkFileHeader> header = MarkFileHeader.readFrom(file.segment());
        if (header.isEmpty()) {
            file.close();
            return Optional.empty();
        }
        return Optional.of(new LiveSet(file, header.get()));
    }

    MarkFileHeader header() {
        return header;
    }

    Marks marks() {
        return marks;
    }

    /** Notes when the image was written last; a later time stays. */
    void wrote(long millis) {
        if ((long) LONGS.getOpaque(file.segment(), (long) MarkFileHeader.LAST_WRITE_OFFSET) < millis) {
            LONGS.setOpaque(file.segment(), (long) MarkFileHeader.LAST_WRITE_OFFSET, millis);
        }
    }

    long lastWriteMillis() {
        return (long) LONGS.getOpaque(file.segment(), (long) MarkFileHeader.LAST_WRITE_OFFSET);
    }

    @Override
    public void close() {
        file.close();
    }

    void delete() throws IOException {
        file.delete();
    }
}
