package io.varve.core.feed;

import io.varve.core.bits.Extent;
import io.varve.core.bits.HierarchicalBitSet;
import io.varve.core.bits.Marks;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/**
 * Which marks of each generation the broker has acknowledged. In memory only: after a restart it's empty, and
 * everything is sent again, which is harmless, since marks are sets.
 *
 * <p>Thread: the agent's control lock.
 */
final class PublishedMarks {
    private final Map<Long, Marks> published = new HashMap<>();
    private final Map<Long, Long> sequences = new HashMap<>();

    /** Marks of {@code generation} that aren't published, as at most {@code extentsMax} extents, ascending. */
    List<Extent> pending(long generation, Marks marks, int extentsMax) {
        HierarchicalBitSet sent = of(generation, marks).bits();
        HierarchicalBitSet bits = marks.bits();
        int shift = marks.granularity().shift();
        List<Extent> pending = new ArrayList<>();
        for (long from = bits.nextSet(0); from >= 0 && pending.size() < extentsMax; ) {
            if (sent.get(from)) {
                from = bits.nextSet(sent.nextClear(from));
                continue;
            }
            long nextSent = sent.nextSet(from);
            long dirtyEnd = bits.nextClear(from);
            long to = nextSent < 0 ? dirtyEnd : Math.min(dirtyEnd, nextSent);
            long endBytes = Math.min(marks.sizeBytes(), to << shift);
            pending.add(new Extent(from << shift, endBytes - (from << shift)));
            from = bits.nextSet(to);
        }
        return pending;
    }

    void acknowledge(long generation, List<Extent> extents) {
        Marks known = published.get(generation);
        if (known != null) {
            extents.forEach(known::mark);
        }
    }

    /** The next number of an {@code ExtentsDirtied} of the generation. */
    long nextSequence(long generation) {
        return sequences.merge(generation, 1L, Long::sum);
    }

    /** Everything of the generation is to be sent again. */
    void resend(long generation) {
        published.remove(generation);
    }

    void resendAll() {
        published.clear();
    }

    void forget(long generation) {
        published.remove(generation);
        sequences.remove(generation);
    }

    /** Its geometry changes when a swap was undone; then all of it counts as unpublished. */
    private Marks of(long generation, Marks marks) {
        Marks known = published.get(generation);
        boolean fits = known != null
                && known.granularity().equals(marks.granularity())
                && known.sizeBytes() == marks.sizeBytes();
        if (known != null && fits) {
            return known;
        }
        Marks none = Marks.none(marks.granularity(), marks.sizeBytes());
        published.put(generation, none);
        return none;
    }
}
