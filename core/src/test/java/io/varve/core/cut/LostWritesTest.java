package io.varve.core.cut;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.varve.core.bits.Extent;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import org.junit.jupiter.api.Test;

class LostWritesTest {
    private static final int SLOTS = 8;
    private static final int SLOTS_MAX = 4;
    private static final long APART = 1 << 20;

    private final InFlightTable table = new InFlightTable(MemorySegment.ofArray(new long[2 * SLOTS]), SLOTS);
    private final List<Integer> freed = new ArrayList<>();
    private final LostWrites lost = new LostWrites(table, SLOTS_MAX, freed::add);

    @Test
    void shouldShareASlotWithTheNearestOnceThereAreMany() { // I10, reliability 6.10
        for (int slot = 0; slot < SLOTS_MAX; slot++) {
            lose(slot, slot * APART);
        }

        lose(5, 2 * APART + 4096);
        lose(6, APART - 4096);

        assertEquals(List.of(2, 1), freed);
        List<Extent> expected = List.of(
                new Extent(0, 512),
                new Extent(3 * APART, 512),
                new Extent(2 * APART, 4096 + 512),
                new Extent(APART - 4096, 4096 + 512));
        assertEquals(expected, lost.extents());
        assertEquals(new HashSet<>(expected), new HashSet<>(table.extents()));
        assertTrue(table.extents().size() <= SLOTS_MAX);
    }

    private void lose(int slot, long offsetBytes) {
        table.register(slot, offsetBytes, 512);
        lost.keep(slot);
    }
}
