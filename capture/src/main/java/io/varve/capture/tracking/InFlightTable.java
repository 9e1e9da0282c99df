package io.varve.capture.tracking;

import io.varve.core.Invariant;
import io.varve.core.bits.Marks;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;

/**
 * The writes that were admitted and haven't ended, in a mapped file of fixed size, so that they outlive the process.
 *
 * <pre>
 *   slot n:  16 n          16 n + 8
 *            +-------------+---------------------------+
 *            | offset      | length, bytes; 0 is free  |   little-endian
 *            +-------------+---------------------------+
 * </pre>
 *
 * <p>Nothing is allocated after construction. Thread: safe for any thread; {@link #markInto} wants the gate held.
 */
final class InFlightTable {
    private static final VarHandle LONGS = ValueLayout.JAVA_LONG.arrayElementVarHandle();
    private static final VarHandle USED = MethodHandles.arrayElementVarHandle(long[].class);
    private static final int SLOT_BYTES = 2 * Long.BYTES;

    private final MemorySegment slots;
    private final int capacity;
    private final long[] used;

    /** A table over {@code slots}, which are all free. */
    InFlightTable(MemorySegment slots, int capacity) {
        Invariant.check(capacity > 0 && capacity % Long.SIZE == 0, "a capacity in whole words, not " + capacity);
        Invariant.check(slots.byteSize() >= byteSize(capacity), "a segment for " + capacity + " writes");
        this.slots = slots;
        this.capacity = capacity;
        this.used = new long[capacity / Long.SIZE];
    }

    static long byteSize(int capacity) {
        return (long) capacity * SLOT_BYTES;
    }

    int capacity() {
        return capacity;
    }

    /** The slot of a new write; the caller made sure that one is free. */
    int register(long offsetBytes, long lengthBytes) {
        int slot = take();
        LONGS.set(slots, 0L, 2L * slot, offsetBytes);
        LONGS.setRelease(slots, 0L, 2L * slot + 1, lengthBytes);
        return slot;
    }

    void deregister(int slot) {
        LONGS.setRelease(slots, 0L, 2L * slot + 1, 0L);
        USED.getAndBitwiseAnd(used, slot >>> 6, ~(1L << slot));
    }

    /**
     * Makes a slot's range cover another's too. At every moment it covers its own, so that a process that dies within
     * leaves nothing out, while the other slot is registered still.
     */
    void widen(int slot, int other) {
        long ownOffset = (long) LONGS.get(slots, 0L, 2L * slot);
        long otherOffset = (long) LONGS.get(slots, 0L, 2L * other);
        long ownEnd = ownOffset + (long) LONGS.getAcquire(slots, 0L, 2L * slot + 1);
        long otherEnd = otherOffset + (long) LONGS.getAcquire(slots, 0L, 2L * other + 1);
        long offset = Math.min(ownOffset, otherOffset);
        // First too long from the old offset, then right from the new one.
        LONGS.setRelease(slots, 0L, 2L * slot + 1, Math.max(ownEnd, otherEnd) - offset);
        LONGS.setRelease(slots, 0L, 2L * slot, offset);
    }

    /** Marks what every write in flight covers. */
    void markInto(Marks marks) {
        for (int slot = 0; slot < capacity; slot++) {
            long lengthBytes = (long) LONGS.getAcquire(slots, 0L, 2L * slot + 1);
            if (lengthBytes > 0) {
                marks.mark((long) LONGS.get(slots, 0L, 2L * slot), lengthBytes);
            }
        }
    }

    private int take() {
        int words = used.length;
        int first = (int) (Thread.currentThread().threadId() % words);
        for (int round = 0; ; round++) {
            int index = (first + round) % words;
            long word = (long) USED.getVolatile(used, index);
            if (word == -1L) {
                continue;
            }
            long free = Long.lowestOneBit(~word);
            if (((long) USED.getAndBitwiseOr(used, index, free) & free) == 0) {
                return (index << 6) + Long.numberOfTrailingZeros(free);
            }
        }
    }
}
