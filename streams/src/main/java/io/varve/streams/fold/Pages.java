package io.varve.streams.fold;

import io.varve.core.bits.Extent;
import io.varve.core.bits.HierarchicalBitSet;
import io.varve.core.bits.Marks;
import io.varve.core.drive.Generation;
import io.varve.core.id.DriveId;
import io.varve.core.reader.GenerationMarks;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import org.apache.kafka.common.utils.Bytes;
import org.apache.kafka.streams.KeyValue;
import org.apache.kafka.streams.state.KeyValueIterator;
import org.apache.kafka.streams.state.KeyValueStore;

/**
 * The marks of all generations, in pages of {@value #PAGE_BYTES} bytes: bit i of a generation is bit i modulo
 * {@value #PAGE_BITS} of page i / {@value #PAGE_BITS}, least significant bit of the first byte first. A page without a
 * mark isn't there. Thread: its task's only.
 */
final class Pages implements GenerationMarks {
    static final int PAGE_BYTES = 4096;
    static final int PAGE_BITS = PAGE_BYTES * 8;

    private static final ValueLayout.OfLong WORD = ValueLayout.JAVA_LONG.withOrder(ByteOrder.LITTLE_ENDIAN);

    private final KeyValueStore<Bytes, byte[]> store;

    Pages(KeyValueStore<Bytes, byte[]> store) {
        this.store = store;
    }

    @Override
    public void mark(DriveId drive, Generation generation, List<Extent> extents) {
        int shift = generation.granularity().shift();
        OpenPage page = new OpenPage(drive, generation);
        for (Extent extent : extents) {
            long endBytes = Math.min(generation.sizeBytes(), extent.endBytes());
            if (extent.offsetBytes() < endBytes) {
                page.set(extent.offsetBytes() >>> shift, ((endBytes - 1) >>> shift) + 1);
            }
        }
        page.close();
    }

    @Override
    public Marks load(DriveId drive, Generation generation) {
        long granules = Math.max(1, generation.granularity().granules(generation.sizeBytes()));
        long[] words = new long[Math.toIntExact(HierarchicalBitSet.byteSize(granules) / Long.BYTES)];
        MemorySegment bits = MemorySegment.ofArray(words);
        Bytes from = PageKey.of(drive, generation, 0);
        Bytes to = PageKey.of(drive, generation, Integer.MAX_VALUE);
        try (KeyValueIterator<Bytes, byte[]> pages = store.range(from, to)) {
            while (pages.hasNext()) {
                KeyValue<Bytes, byte[]> page = pages.next();
                copy(page.value, bits, (long) PageKey.page(page.key) * PAGE_BYTES);
            }
        }
        dropPastEnd(bits, granules);
        return new Marks(generation.granularity(), generation.sizeBytes(), HierarchicalBitSet.over(bits, granules));
    }

    /** A shrink may have left bits past the end in the last word. */
    private static void dropPastEnd(MemorySegment bits, long granules) {
        long last = bits.byteSize() - Long.BYTES;
        bits.set(WORD, last, bits.get(WORD, last) & (-1L >>> -granules));
    }

    private static void copy(byte[] page, MemorySegment bits, long offsetBytes) {
        long lengthBytes = Math.min(page.length, bits.byteSize() - offsetBytes);
        if (lengthBytes > 0) {
            MemorySegment.copy(MemorySegment.ofArray(page), 0, bits, offsetBytes, lengthBytes);
        }
    }

    @Override
    public void drop(DriveId drive, long generation) {
        delete(PageKey.first(drive, generation), PageKey.last(drive, generation));
    }

    @Override
    public void forgetAll(DriveId drive) {
        delete(PageKey.first(drive, 0), PageKey.last(drive, Long.MAX_VALUE));
    }

    @Override
    public void coalesce(DriveId drive, Collection<Generation> merged, Generation intoBefore, Generation into) {
        Marks union = load(drive, into);
        union.union(load(drive, intoBefore));
        merged.forEach(generation -> union.union(load(drive, generation)));
        merged.forEach(generation -> drop(drive, generation.number()));
        drop(drive, into.number());
        mark(drive, into, union.extents());
    }

    private void delete(Bytes from, Bytes to) {
        List<Bytes> keys = new ArrayList<>();
        try (KeyValueIterator<Bytes, byte[]> pages = store.range(from, to)) {
            pages.forEachRemaining(page -> keys.add(page.key));
        }
        keys.forEach(store::delete);
    }

    /** The page that is being marked; ascending extents touch each page once. */
    private final class OpenPage {
        private final DriveId drive;
        private final Generation generation;
        private long number = -1;
        private byte[] bytes = new byte[0];
        private long added;

        OpenPage(DriveId drive, Generation generation) {
            this.drive = drive;
            this.generation = generation;
        }

        void set(long fromBit, long toBit) {
            for (long bit = fromBit; bit < toBit; ) {
                open(bit / PAGE_BITS);
                long end = Math.min(toBit, (number + 1) * PAGE_BITS);
                setWithin((int) (bit % PAGE_BITS), (int) (end - number * PAGE_BITS));
                bit = end;
            }
        }

        private void setWithin(int fromBit, int toBit) {
            for (int bit = fromBit; bit < toBit; ) {
                int index = bit >>> 3;
                int end = Math.min(toBit, (index + 1) << 3);
                int mask = ((1 << (end - bit)) - 1) << (bit & 7);
                added += Integer.bitCount(mask & ~bytes[index]);
                bytes[index] = (byte) (bytes[index] | mask);
                bit = end;
            }
        }

        private void open(long wanted) {
            if (wanted != number) {
                close();
                byte[] stored = store.get(PageKey.of(drive, generation, Math.toIntExact(wanted)));
                bytes = stored == null ? new byte[PAGE_BYTES] : stored.clone();
                number = wanted;
                added = 0;
            }
        }

        void close() {
            if (added > 0) {
                store.put(PageKey.of(drive, generation, Math.toIntExact(number)), bytes);
            }
        }
    }
}
