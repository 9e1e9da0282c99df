package io.varve.core.cut;

import io.varve.core.activity.RegionSpan;
import io.varve.core.bits.Extent;
import io.varve.core.bits.Marks;
import java.util.ArrayList;
import java.util.BitSet;
import java.util.List;
import java.util.Map;
import java.util.NavigableMap;
import java.util.TreeMap;

/**
 * The ranges of a drive's writes whose outcome nobody knows, and which may reach the image at any time: every cut seeds
 * the next generation with them, until the drive is detached (reliability.md section 6, rules 10 and 19). They are few;
 * from a number on, those with the smallest gap become one, which covers the gap, too.
 *
 * <p>Thread: safe for any thread.
 */
public final class LostWrites {
    private final int extentsMax;
    /** Where each range ends, by where it begins; no two of them touch. Guarded by this. */
    private final NavigableMap<Long, Long> ends = new TreeMap<>();

    public LostWrites(int extentsMax) {
        this.extentsMax = extentsMax;
    }

    public synchronized void add(Extent write) {
        long from = write.offsetBytes();
        long to = write.endBytes();
        Map.Entry<Long, Long> before = ends.floorEntry(from);
        if (before != null && before.getValue() >= from) {
            from = before.getKey();
        }
        for (Map.Entry<Long, Long> next = ends.ceilingEntry(from);
                next != null && next.getKey() <= to;
                next = ends.ceilingEntry(from)) {
            to = Math.max(to, next.getValue());
            ends.remove(next.getKey());
        }
        ends.put(from, to);
        if (ends.size() > extentsMax) {
            closeSmallestGap();
        }
    }

    private void closeSmallestGap() {
        Map.Entry<Long, Long> last = ends.firstEntry();
        Map.Entry<Long, Long> nearest = last;
        long smallest = Long.MAX_VALUE;
        for (Map.Entry<Long, Long> next : ends.tailMap(last.getKey(), false).entrySet()) {
            if (next.getKey() - last.getValue() < smallest) {
                smallest = next.getKey() - last.getValue();
                nearest = last;
            }
            last = next;
        }
        Map.Entry<Long, Long> following = ends.higherEntry(nearest.getKey());
        if (following != null) {
            ends.remove(following.getKey());
            ends.put(nearest.getKey(), following.getValue());
        }
    }

    public synchronized boolean isEmpty() {
        return ends.isEmpty();
    }

    /** In ascending order, apart from each other. */
    public synchronized List<Extent> extents() {
        List<Extent> extents = new ArrayList<>();
        ends.forEach((from, to) -> extents.add(new Extent(from, to - from)));
        return extents;
    }

    /** Marks what they cover. */
    public synchronized void markInto(Marks marks) {
        ends.forEach((from, to) -> marks.mark(from, to - from));
    }

    /** The regions of the activity log that they touch. */
    public BitSet regions() {
        BitSet regions = new BitSet();
        for (Extent write : extents()) {
            RegionSpan span = RegionSpan.touching(write.offsetBytes(), write.lengthBytes());
            regions.set(span.first(), span.end());
        }
        return regions;
    }
}
