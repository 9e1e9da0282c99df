package io.varve.core.cut;

import static org.junit.jupiter.api.Assertions.assertEquals;

import io.varve.core.bits.Granularity;
import io.varve.core.bits.Marks;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.List;
import java.util.stream.LongStream;
import org.junit.jupiter.api.Test;

/** Ranges of lost writes that share a slot, and what a process leaves that dies while it makes one. */
class InFlightTableTest {
    private static final int CAPACITY = 64;
    private static final long GRANULE_BYTES = 65_536;
    private static final long SIZE_BYTES = 16 * GRANULE_BYTES;

    private final MemorySegment slots = Arena.ofAuto().allocate(InFlightTable.byteSize(CAPACITY), Long.BYTES);
    private final InFlightTable table = new InFlightTable(slots, CAPACITY);

    @Test
    void shouldCoverBothRangesAfterWidening() {
        for (boolean lowerFirst : new boolean[] {true, false}) {
            int lower = 3;
            int higher = 40;
            table.register(lower, 2 * GRANULE_BYTES, 512);
            table.register(higher, 9 * GRANULE_BYTES, GRANULE_BYTES);

            table.widen(lowerFirst ? lower : higher, lowerFirst ? higher : lower);
            table.deregister(lowerFirst ? higher : lower);

            assertEquals(List.of(2L, 3L, 4L, 5L, 6L, 7L, 8L, 9L), marked());
            table.deregister(lowerFirst ? lower : higher);
        }
    }

    @Test
    void shouldStayWithinTheDriveWhenTheProcessDiedWhileItWidened() {
        int slot = 3;
        int other = 40;
        table.register(slot, 15 * GRANULE_BYTES, GRANULE_BYTES);
        table.register(other, 0, 512);
        // The first of the two steps: as long as the whole from the lower offset, but from its own.
        slots.setAtIndex(ValueLayout.JAVA_LONG, 2L * slot + 1, SIZE_BYTES);

        assertEquals(List.of(0L, 15L), marked());
        table.widen(slot, other);
        assertEquals(16, marked().size());
    }

    private List<Long> marked() {
        Marks marks = Marks.none(Granularity.DEFAULT, SIZE_BYTES);
        table.markInto(marks);
        return LongStream.range(0, SIZE_BYTES / GRANULE_BYTES)
                .filter(marks.bits()::get)
                .boxed()
                .toList();
    }
}
