package io.varve.core.snapshot;

import io.varve.core.Invariant;
import io.varve.core.bits.Granularity;
import io.varve.core.bits.HierarchicalBitSet;
import java.util.Optional;

/**
 * How far the old content of each granule of a snapshot has been kept.
 *
 * <pre>
 *   NONE       the image holds the content of the point in time
 *     --claimed by a write that is about to overwrite it-->
 *   COPYING    one copies the old content; other writes there wait; the image still holds it, too
 *     --copied-->
 *   PRESERVED  the fleece holds it; the image may be overwritten
 * </pre>
 *
 * <p>Beside that, whoever reads the snapshot may release a granule when it's done with it: from then on it's not
 * protected, whatever its state.
 *
 * <p>States only grow: a copy that fails breaks the whole snapshot (see {@link SnapshotStatus}), so no granule ever
 * goes back. Two bit sets, claimed and preserved, hold them; preserved implies claimed.
 *
 * <p>Thread: {@link #claim}, {@link #copied} and {@link #release} under one lock of the caller; the questions are safe
 * for any thread.
 */
public final class GranuleStates {
    private final Granularity granule;
    private final HierarchicalBitSet claimed;
    private final HierarchicalBitSet preserved;
    private volatile Protection protection;
    private volatile Optional<HierarchicalBitSet> released = Optional.empty(); // Few snapshots have any.

    /** All granules NONE. */
    public GranuleStates(Granularity granule, long sizeBytes, Protection protection) {
        long granules = Math.max(1, granule.granules(sizeBytes));
        this.granule = granule;
        this.claimed = HierarchicalBitSet.ofHeap(granules);
        this.preserved = HierarchicalBitSet.ofHeap(granules);
        this.protection = protection;
    }

    public Granularity granule() {
        return granule;
    }

    public Protection protection() {
        return protection;
    }

    /** Narrows what is protected; never widens, for what was overwritten meanwhile is lost. */
    public void narrow(Protection narrower) {
        Invariant.check(
                protection instanceof Protection.Everything || protection.equals(narrower),
                "a snapshot's protection to be narrowed once");
        protection = narrower;
    }

    /** The first granule in [from, to) that a write there must still see preserved, or -1. */
    public long nextUnpreserved(long from, long to) {
        Protection current = protection;
        for (long granuleIndex = current.next(from, to); granuleIndex >= 0; ) {
            if (preserved.get(granuleIndex)) {
                granuleIndex = current.next(preserved.nextClear(granuleIndex), to);
            } else if (isReleased(granuleIndex)) {
                granuleIndex = current.next(granuleIndex + 1, to);
            } else {
                return granuleIndex;
            }
        }
        return -1;
    }

    /**
     * Claims the protected granules from {@code from} on that are NONE and side by side, up to {@code to}.
     *
     * @return how many were claimed; 0 when someone else copies {@code from}, or has copied it
     */
    public long claim(long from, long to) {
        if (!isClaimable(from)) {
            return 0;
        }
        long end = from + 1;
        while (end < to && isClaimable(end)) {
            end++;
        }
        claimed.set(from, end);
        return end - from;
    }

    private boolean isClaimable(long granuleIndex) {
        return protection.contains(granuleIndex) && !claimed.get(granuleIndex) && !isReleased(granuleIndex);
    }

    /** The granules [from, to) aren't needed any more. */
    public void release(long from, long to) {
        HierarchicalBitSet bits = released.orElseGet(() -> HierarchicalBitSet.ofHeap(claimed.bitCount()));
        bits.set(from, to);
        released = Optional.of(bits);
    }

    public boolean isReleased(long granuleIndex) {
        return released.isPresent() && released.get().get(granuleIndex);
    }

    /** The claimed granules [from, to) are in the fleece. */
    public void copied(long from, long to) {
        Invariant.check(claimed.nextClear(from) >= to, "granules to be claimed before they are preserved");
        preserved.set(from, to);
    }

    public boolean isPreserved(long granuleIndex) {
        return preserved.get(granuleIndex);
    }

    /** The first granule in [from, to) that is preserved, or {@code to}. */
    public long nextPreserved(long from, long to) {
        long found = preserved.nextSet(from);
        return found < 0 || found > to ? to : found;
    }

    /** The first granule in [from, to) that isn't preserved, or {@code to}. */
    public long nextInImage(long from, long to) {
        return Math.min(to, preserved.nextClear(from));
    }

    /** Whether a read of [offsetBytes, offsetBytes + lengthBytes) stays within what is protected. */
    public boolean covers(long offsetBytes, long lengthBytes) {
        if (lengthBytes == 0) {
            return true;
        }
        long from = offsetBytes >>> granule.shift();
        long to = ((offsetBytes + lengthBytes - 1) >>> granule.shift()) + 1;
        return protection.containsAll(from, to) && !isAnyReleased(from, to);
    }

    private boolean isAnyReleased(long from, long to) {
        long first = released.isPresent() ? released.get().nextSet(from) : -1;
        return first >= 0 && first < to;
    }
}
