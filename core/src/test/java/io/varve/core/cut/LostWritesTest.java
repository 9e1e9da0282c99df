package io.varve.core.cut;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.varve.core.activity.RegionSpan;
import io.varve.core.bits.Extent;
import io.varve.core.bits.Granularity;
import io.varve.core.bits.Marks;
import java.util.BitSet;
import java.util.List;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;

class LostWritesTest {
    private static final int EXTENTS_MAX = 4;
    private static final long APART = 1 << 20;

    private final LostWrites lost = new LostWrites(EXTENTS_MAX);

    @Test
    void shouldCloseTheSmallestGapOnceThereAreMany() { // I10, reliability 6.10
        for (long offset : new long[] {0, 3 * APART, APART, 2 * APART + 4096, 2 * APART}) {
            lost.add(new Extent(offset, 512));
        }

        assertEquals(
                List.of(
                        new Extent(0, 512),
                        new Extent(APART, 512),
                        new Extent(2 * APART, 4096 + 512),
                        new Extent(3 * APART, 512)),
                lost.extents());
    }

    @Test
    void shouldJoinWhatOverlapsOrTouches() {
        lost.add(new Extent(1000, 10));
        lost.add(new Extent(1020, 10));
        lost.add(new Extent(1040, 10));
        lost.add(new Extent(1005, 30));
        lost.add(new Extent(1050, 5));

        assertEquals(List.of(new Extent(1000, 35), new Extent(1040, 15)), lost.extents());
    }

    @Test
    void shouldCoverAllThatWasAdded() { // I1, reliability 6.10
        long seed = Long.getLong("varve.seed", System.nanoTime());
        SplittableRandom random = new SplittableRandom(seed);
        for (int round = 0; round < 500; round++) {
            LostWrites few = new LostWrites(1 + random.nextInt(6));
            Marks expected = Marks.none(new Granularity(512), 1 << 16);
            for (int write = 0; write < 20; write++) {
                Extent extent = new Extent(random.nextInt(1 << 16), 1 + random.nextInt(2000));
                few.add(extent);
                expected.mark(extent);
            }
            Marks actual = Marks.none(new Granularity(512), 1 << 16);
            few.markInto(actual);
            Marks both = actual.copyAt(actual.granularity());
            both.union(expected);
            assertEquals(actual.digest(), both.digest(), "seed " + seed + ", round " + round);
            assertTrue(few.extents().size() <= 6, "seed " + seed);
        }
    }

    @Test
    void shouldTellTheirRegions() {
        lost.add(new Extent(RegionSpan.REGION_BYTES - 1, 2));
        lost.add(new Extent(5L * RegionSpan.REGION_BYTES, 1));

        BitSet expected = new BitSet();
        expected.set(0, 2);
        expected.set(5);
        assertEquals(expected, lost.regions());
    }
}
