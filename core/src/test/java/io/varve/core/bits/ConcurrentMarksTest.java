package io.varve.core.bits;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import org.junit.jupiter.api.Test;

class ConcurrentMarksTest {
    private static final int SETS = 50_000;
    private static final int ROUNDS = 12;
    private static final long BIT = 64 * 64 + 77;

    /** A write that finds its granule marked by another, which hasn't returned yet, relies on that mark. */
    @Test
    void shouldFindEveryBitThatIsSeen() throws Exception { // I2, reliability 6.11
        try (ExecutorService threads = Executors.newFixedThreadPool(2)) {
            for (int round = 0; round < ROUNDS; round++) {
                HierarchicalBitSet[] sets = new HierarchicalBitSet[SETS];
                for (int index = 0; index < SETS; index++) {
                    sets[index] = HierarchicalBitSet.ofHeap(BIT + 100);
                }

                Future<?> setter = threads.submit(() -> setAll(sets));
                Future<Integer> searcher = threads.submit(() -> missed(sets));
                setter.get();

                assertEquals(0, searcher.get(), "bits seen, but not found by a search");
            }
        }
    }

    private static void setAll(HierarchicalBitSet[] sets) {
        for (HierarchicalBitSet set : sets) {
            set.set(BIT, BIT + 1);
        }
    }

    /** Runs just behind the setter. */
    private static int missed(HierarchicalBitSet[] sets) {
        int missed = 0;
        for (HierarchicalBitSet set : sets) {
            while (!set.get(BIT)) {
                Thread.onSpinWait();
            }
            missed += set.nextSet(0) == BIT ? 0 : 1;
        }
        return missed;
    }
}
