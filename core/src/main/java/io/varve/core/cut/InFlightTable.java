package io.varve.core.cut;

import io.varve.core.Invariant;
import io.varve.core.activity.RegionSpan;
import io.varve.core.bits.Extent;
import io.varve.core.bits.Marks;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.lang.invoke.VarHandle;
import java.util.ArrayList;
import java.util.BitSet;
import java.util.List;

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
 * <p>Which slot a write has, its caller says, who hands out each once at a time. Nothing is allocated after
 * construction. Thread: safe for any thread that has the slot; {@link #markInto} wants nobody to register or deregister
 * meanwhile.
 */
public final class InFlightTable {
    private static final VarHandle LONGS = ValueLayout.JAVA_LONG.arrayElementVarHandle();
    private static final int SLOT_BYTES = 2 * Long.BYTES;

    private final MemorySegment slots;
    private final int capacity;

    /** A table over {@code slots}, which are all free. */
    public InFlightTable(MemorySegment slots, int capacity) {
        Invariant.check(capacity > 0, "room for a write at least, not " + capacity);
        Invariant.check(slots.byteSize() >= byteSize(capacity), "a segment for " + capacity + " writes");
        this.slots = slots;
        this.capacity = capacity;
    }

    public static long byteSize(int capacity) {
        return (long) capacity * SLOT_BYTES;
    }

    public int capacity() {
        return capacity;
    }

    /** Notes the write that has the slot for itself. */
    public void register(int slot, long offsetBytes, long lengthBytes) {
        LONGS.set(slots, 0L, 2L * slot, offsetBytes);
        LONGS.setRelease(slots, 0L, 2L * slot + 1, lengthBytes);
    }

    public void deregister(int slot) {
        LONGS.setRelease(slots, 0L, 2L * slot + 1, 0L);
    }

    /**
     * Makes a slot's range cover another's too. At every moment it covers its own, so that a process that dies within
     * leaves nothing out, while the other slot is registered still.
     */
    public void widen(int slot, int other) {
        long ownOffset = (long) LONGS.get(slots, 0L, 2L * slot);
        long otherOffset = (long) LONGS.get(slots, 0L, 2L * other);
        long ownEnd = ownOffset + (long) LONGS.getAcquire(slots, 0L, 2L * slot + 1);
        long otherEnd = otherOffset + (long) LONGS.getAcquire(slots, 0L, 2L * other + 1);
        long offset = Math.min(ownOffset, otherOffset);
        // First too long from the old offset, then right from the new one.
        LONGS.setRelease(slots, 0L, 2L * slot + 1, Math.max(ownEnd, otherEnd) - offset);
        LONGS.setRelease(slots, 0L, 2L * slot, offset);
    }

    /** What the write that has the slot covers. */
    public Extent extent(int slot) {
        long lengthBytes = (long) LONGS.getAcquire(slots, 0L, 2L * slot + 1);
        return new Extent((long) LONGS.get(slots, 0L, 2L * slot), lengthBytes);
    }

    /** What every write in flight covers. */
    public List<Extent> extents() {
        List<Extent> extents = new ArrayList<>();
        for (int slot = 0; slot < capacity; slot++) {
            if ((long) LONGS.getAcquire(slots, 0L, 2L * slot + 1) > 0) {
                extents.add(extent(slot));
            }
        }
        return extents;
    }

    /** Marks what every write in flight covers. */
    public void markInto(Marks marks) {
        for (int slot = 0; slot < capacity; slot++) {
            long lengthBytes = (long) LONGS.getAcquire(slots, 0L, 2L * slot + 1);
            if (lengthBytes > 0) {
                marks.mark((long) LONGS.get(slots, 0L, 2L * slot), lengthBytes);
            }
        }
    }

    /** The regions that writes in flight touch, but for those with a slot in {@code except}. */
    public BitSet regions(BitSet except) {
        BitSet regions = new BitSet();
        for (int slot = 0; slot < capacity; slot++) {
            long lengthBytes = (long) LONGS.getAcquire(slots, 0L, 2L * slot + 1);
            if (lengthBytes > 0 && !except.get(slot)) {
                RegionSpan span = RegionSpan.touching((long) LONGS.get(slots, 0L, 2L * slot), lengthBytes);
                regions.set(span.first(), span.end());
            }
        }
        return regions;
    }
}
