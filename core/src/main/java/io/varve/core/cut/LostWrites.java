package io.varve.core.cut;

import io.varve.core.bits.Extent;
import java.util.ArrayList;
import java.util.List;
import java.util.function.IntConsumer;

/**
 * The writes of a drive whose outcome nobody knows, and which may reach the image at any time: each keeps its slot in
 * the table of writes in flight until the drive is detached, so that every cut seeds the next generation with it
 * (reliability.md section 6, rules 10 and 19). From a number on they share slots; a slot then covers what lies between,
 * too.
 *
 * <p>Thread: safe for any thread.
 */
public final class LostWrites {
    private final InFlightTable inFlight;
    private final int slotsMax;
    private final IntConsumer freed;
    private final List<Integer> slots = new ArrayList<>(); // Guarded by this.

    /** @param freed takes a slot that another one covers now, and that may be handed out again */
    public LostWrites(InFlightTable inFlight, int slotsMax, IntConsumer freed) {
        this.inFlight = inFlight;
        this.slotsMax = slotsMax;
        this.freed = freed;
    }

    /** Keeps a slot whose write is in the table. */
    public synchronized void keep(int slot) {
        if (slots.size() == slotsMax) {
            int nearest = nearestTo(inFlight.extent(slot));
            inFlight.widen(slot, nearest);
            inFlight.deregister(nearest);
            slots.removeIf(other -> other == nearest);
            freed.accept(nearest);
        }
        slots.add(slot);
    }

    private int nearestTo(Extent write) {
        int nearest = slots.getFirst();
        for (int slot : slots) {
            if (gapBytes(write, inFlight.extent(slot)) < gapBytes(write, inFlight.extent(nearest))) {
                nearest = slot;
            }
        }
        return nearest;
    }

    /** How much that neither covers a slot for both would have. */
    private static long gapBytes(Extent one, Extent other) {
        return Math.max(0, Math.max(one.offsetBytes() - other.endBytes(), other.offsetBytes() - one.endBytes()));
    }

    /** What they cover; several may overlap. */
    public synchronized List<Extent> extents() {
        return slots.stream().map(inFlight::extent).toList();
    }
}
