package io.varve.core.bits;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.varve.core.Seeds;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.List;
import java.util.NavigableSet;
import java.util.SplittableRandom;
import java.util.TreeSet;
import org.junit.jupiter.api.Test;

class MarksTest {
    private static final long[] GRANULARITIES = {512, 4096, 65536, 1 << 20};

    @Test
    void shouldAgreeWithASetOfLongs() {
        Seeds.forEach(500, random -> {
            Granularity granularity = anyGranularity(random);
            long sizeBytes = 512 * (1 + random.nextLong(200_000));
            Marks marks = Marks.none(granularity, sizeBytes);
            NavigableSet<Long> model = new TreeSet<>();

            for (int write = 0; write < 60; write++) {
                long offsetBytes = random.nextLong(sizeBytes);
                long lengthBytes = 1 + random.nextLong(Math.min(sizeBytes - offsetBytes, 5 * granularity.bytes()));
                marks.mark(offsetBytes, lengthBytes);
                for (long g = offsetBytes / granularity.bytes();
                        g <= (offsetBytes + lengthBytes - 1) / granularity.bytes();
                        g++) {
                    model.add(g);
                }
            }

            assertEquals(model.size(), marks.dirtyGranules());
            assertEquals(model, granulesOf(marks));
            for (int probe = 0; probe < 50; probe++) {
                long from = random.nextLong(marks.bits().bitCount());
                Long next = model.ceiling(from);
                assertEquals(next == null ? -1 : next, marks.bits().nextSet(from));
            }
        });
    }

    @Test
    void shouldUniteAcrossGranularitiesAndSizes() {
        Seeds.forEach(300, random -> {
            long sizeBytes = 512 * (1 + random.nextLong(50_000));
            long targetSizeBytes = 512 * (1 + random.nextLong(50_000));
            Marks source = Marks.none(anyGranularity(random), sizeBytes);
            Marks target = Marks.none(anyGranularity(random), targetSizeBytes);
            for (int write = 0; write < 20; write++) {
                source.mark(random.nextLong(sizeBytes), 1 + random.nextLong(100_000));
            }

            target.union(source);

            Marks expected = Marks.none(target.granularity(), targetSizeBytes);
            for (Extent extent : source.extents()) {
                // The target's last granule may reach behind its end, as QEMU's does.
                long granuleBytes = target.granularity().bytes();
                long from = extent.offsetBytes() / granuleBytes;
                long to = Math.min(target.bits().bitCount(), (extent.endBytes() - 1) / granuleBytes + 1);
                if (from < to) {
                    expected.bits().set(from, to);
                }
            }
            assertEquals(expected.extents(), target.extents());
            assertEquals(expected.digest(), target.digest());
        });
    }

    @Test
    void shouldReopenMappedWordsWithTheirSummaries() {
        try (Arena arena = Arena.ofConfined()) {
            long bitCount = 1_000_000;
            MemorySegment segment = arena.allocate(HierarchicalBitSet.byteSize(bitCount), 8);
            HierarchicalBitSet first = HierarchicalBitSet.over(segment, bitCount);
            first.set(777_777, 777_779);

            HierarchicalBitSet reopened = HierarchicalBitSet.over(segment, bitCount);

            assertEquals(777_777, reopened.nextSet(0));
            assertEquals(777_779, reopened.nextClear(777_777));
            assertEquals(-1, reopened.nextSet(777_779));
        }
    }

    @Test
    void shouldRoundOutwardsAndDropWhatLiesPastTheEnd() {
        Marks marks = Marks.none(Granularity.DEFAULT, 65536 * 2 + 512);

        marks.mark(65535, 2);
        marks.mark(131072, 1 << 20);
        marks.mark(1 << 30, 512);

        assertEquals(List.of(new Extent(0, 131072 + 512)), marks.extents());
        assertEquals(3 * 65536, marks.dirtyBytes());
    }

    @Test
    void shouldFindTheNextDirtyAndCleanByteWithinBounds() {
        Marks marks = Marks.none(new Granularity(512), 200 * 512 + 1);
        marks.mark(600, 100 * 512);
        marks.mark(200 * 512, 1);

        assertEquals(512, marks.nextDirty(0));
        assertEquals(700, marks.nextDirty(700));
        assertEquals(200 * 512, marks.nextDirty(102 * 512));
        assertEquals(-1, marks.nextDirty(201 * 512));
        assertEquals(102 * 512, marks.nextClean(700, 1 << 20));
        assertEquals(64 * 512 + 1, marks.nextClean(700, 64 * 512 + 1));
        assertEquals(102 * 512, marks.nextClean(700, 102 * 512));
        assertEquals(7, marks.nextClean(7, 1000));
        assertEquals(201 * 512, marks.nextClean(200 * 512, 1 << 20));
    }

    @Test
    void shouldFindNothingInAnEmptySet() {
        Marks marks = Marks.none(Granularity.DEFAULT, 16L << 40);

        assertTrue(marks.isEmpty());
        assertEquals(0, marks.dirtyBytes());
        assertThrows(
                IndexOutOfBoundsException.class,
                () -> marks.bits().set(0, marks.bits().bitCount() + 1));
    }

    @Test
    void shouldHashWordsLeastSignificantBitFirst() throws Exception {
        HierarchicalBitSet bits = HierarchicalBitSet.ofHeap(65);
        bits.set(0, 2);
        bits.set(64, 65);
        byte[] words = new byte[16];
        words[0] = 3;
        words[8] = 1;

        byte[] expected = java.security.MessageDigest.getInstance("SHA-256").digest(words);

        assertEquals(
                java.util.HexFormat.of().formatHex(expected), Digest.of(bits).hex());
    }

    private static Granularity anyGranularity(SplittableRandom random) {
        return new Granularity(GRANULARITIES[random.nextInt(GRANULARITIES.length)]);
    }

    @Test
    void shouldPackAndUnpack() {
        Seeds.forEach(300, random -> {
            Marks marks = Marks.none(anyGranularity(random), 512 * (1 + random.nextLong(100_000)));
            for (int write = random.nextInt(40); write > 0; write--) {
                marks.mark(random.nextLong(marks.sizeBytes()), 1 + random.nextLong(500_000));
            }

            PackedMarks packed = PackedMarks.of(marks);

            assertEquals(marks.extents(), packed.unpack().extents());
        });
    }

    @Test
    void shouldRefuseBytesThatAreNotPackedMarks() {
        Seeds.forEach(2_000, random -> {
            byte[] bytes = new byte[random.nextInt(12)];
            random.nextBytes(bytes);
            PackedMarks packed = new PackedMarks(Granularity.DEFAULT, 1 << 20, bytes);

            try {
                assertTrue(packed.unpack().dirtyGranules() <= 16);
            } catch (IllegalArgumentException refused) {
                assertTrue(String.valueOf(refused.getMessage()).startsWith("packed marks"), refused::toString);
            }
        });
    }

    private static NavigableSet<Long> granulesOf(Marks marks) {
        NavigableSet<Long> granules = new TreeSet<>();
        for (long bit = marks.bits().nextSet(0);
                bit >= 0;
                bit = bit + 1 < marks.bits().bitCount() ? marks.bits().nextSet(bit + 1) : -1) {
            granules.add(bit);
        }
        return granules;
    }
}
