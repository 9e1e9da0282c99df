package io.varve.core.bits;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;

import io.varve.core.Seeds;
import java.util.ArrayList;
import java.util.BitSet;
import java.util.List;
import java.util.Optional;
import java.util.SplittableRandom;
import java.util.concurrent.atomic.AtomicLongArray;
import org.junit.jupiter.api.Test;

class DirtyGranulesTest {
    private static final Granularity SECTOR = new Granularity(512);
    private static final int GRANULES = 1_000;
    private static final long SIZE_BYTES = GRANULES * 512L - 100;
    private static final int WRITERS = 3;
    private static final int WRITES = 100_000;

    @Test
    void shouldTakeWhatANaiveSetHolds() {
        Seeds.forEach(20, DirtyGranulesTest::compare);
    }

    private static void compare(SplittableRandom random) {
        DirtyGranules dirty = new DirtyGranules(SECTOR, SIZE_BYTES);
        BitSet naive = new BitSet();
        for (int step = 0; step < 1_000; step++) {
            if (random.nextInt(3) == 0) {
                int first = random.nextInt(GRANULES);
                int lengthBytes = 1 + random.nextInt(200_000);
                dirty.mark(first * 512L + 7, lengthBytes);
                naive.set(first, Math.min(GRANULES, (first * 512 + 6 + lengthBytes) / 512 + 1));
            } else {
                int from = random.nextInt(GRANULES);
                int max = 1 + random.nextInt(100);
                assertEquals(taken(naive, from, max), dirty.take(from * 512L, max * 512L), "step " + step);
            }
            assertEquals(naive.cardinality() * 512L, dirty.dirtyBytes());
        }
    }

    private static Optional<Extent> taken(BitSet naive, int from, int max) {
        int first = naive.nextSetBit(from);
        if (first < 0) {
            return Optional.empty();
        }
        int end = Math.min(first + max, naive.nextClearBit(first));
        naive.clear(first, end);
        return Optional.of(new Extent(first * 512L, Math.min(SIZE_BYTES, end * 512L) - first * 512L));
    }

    @Test
    void shouldHaveTakenTheLastWriteOfEachGranuleInTheEnd() {
        Seeds.forEach(3, DirtyGranulesTest::copyBesideWriters);
    }

    private static void copyBesideWriters(SplittableRandom random) {
        AtomicLongArray source = new AtomicLongArray(GRANULES);
        long[] target = new long[GRANULES];
        DirtyGranules dirty = new DirtyGranules(SECTOR, SIZE_BYTES);
        List<Thread> writers = new ArrayList<>();
        for (int writer = 0; writer < WRITERS; writer++) {
            SplittableRandom its = random.split();
            writers.add(Thread.ofPlatform().daemon().start(() -> write(its, source, dirty)));
        }

        boolean areAtWork = true;
        while (areAtWork) {
            areAtWork = writers.stream().anyMatch(Thread::isAlive);
            copy(source, target, dirty);
        }

        for (Thread writer : writers) {
            assertFalse(writer.isAlive());
        }
        for (int granule = 0; granule < GRANULES; granule++) {
            assertEquals(source.get(granule), target[granule], "granule " + granule);
        }
        assertEquals(0, dirty.dirtyBytes());
    }

    private static void write(SplittableRandom random, AtomicLongArray source, DirtyGranules dirty) {
        for (int write = 0; write < WRITES; write++) {
            int granule = random.nextInt(GRANULES);
            source.set(granule, random.nextLong());
            dirty.mark(granule * 512L, 512);
        }
    }

    private static void copy(AtomicLongArray source, long[] target, DirtyGranules dirty) {
        long from = 0;
        Optional<Extent> run = dirty.take(from, 8 * 512);
        while (run.isPresent()) {
            int end = (int) SECTOR.granules(run.get().endBytes());
            for (int granule = (int) (run.get().offsetBytes() / 512); granule < end; granule++) {
                target[granule] = source.get(granule);
            }
            run = dirty.take(run.get().endBytes(), 8 * 512);
        }
    }
}
