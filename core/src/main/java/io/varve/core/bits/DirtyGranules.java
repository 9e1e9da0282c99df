package io.varve.core.bits;

import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.util.Optional;
import java.util.concurrent.atomic.LongAdder;

/**
 * Which granules of a drive a copy still has to take, while others dirty them again. Unlike {@link Marks}, which only
 * grow, it can be emptied from one end while it's filled from all.
 *
 * <p>A writer marks when its write is made and before it's acknowledged; the copy takes a granule before it reads it.
 * So a write that the copy didn't read is marked behind the take, and is taken again.
 *
 * <p>Cost: one atomic operation for each 64 granules of a range; nothing is allocated.
 *
 * <p>Thread: {@link #mark} and {@link #dirtyBytes} are safe for any thread; one thread takes.
 */
public final class DirtyGranules {
    private static final VarHandle WORDS = MethodHandles.arrayElementVarHandle(long[].class);

    private final Granularity granularity;
    private final long sizeBytes;
    private final long[] words;
    private final LongAdder dirty = new LongAdder();

    /** None of a drive's granules. */
    public DirtyGranules(Granularity granularity, long sizeBytes) {
        this.granularity = granularity;
        this.sizeBytes = sizeBytes;
        this.words = new long[Math.toIntExact((granularity.granules(sizeBytes) + Long.SIZE - 1) / Long.SIZE)];
    }

    /** Marks every granule that the range touches; the range may reach past the drive's end. */
    public void mark(long offsetBytes, long lengthBytes) {
        long endBytes = Math.min(sizeBytes, offsetBytes + lengthBytes);
        if (offsetBytes >= endBytes) {
            return;
        }
        long from = offsetBytes >>> granularity.shift();
        long to = granularity.granules(endBytes);
        while (from < to) {
            long wordEnd = Math.min(to, (from | (Long.SIZE - 1)) + 1);
            long mask = (-1L << from) & (-1L >>> -wordEnd);
            long before = (long) WORDS.getAndBitwiseOr(words, (int) (from >>> 6), mask);
            dirty.add(Long.bitCount(mask & ~before));
            from = wordEnd;
        }
    }

    /**
     * Takes the first run of dirty granules at or behind a place: they aren't dirty any more.
     *
     * @param lengthBytesMax the longest run, at least one granule
     * @return the run, clamped to the drive's size; empty when there's none up to the drive's end
     */
    public Optional<Extent> take(long fromBytes, long lengthBytesMax) {
        long granules = granularity.granules(sizeBytes);
        long first = next(fromBytes >>> granularity.shift(), granules);
        if (first == granules) {
            return Optional.empty();
        }
        long limit = Math.min(granules, first + Math.max(1, lengthBytesMax >>> granularity.shift()));
        long end = first;
        while (end < limit && takeOne(end)) {
            end++;
        }
        long offsetBytes = first << granularity.shift();
        return Optional.of(new Extent(offsetBytes, Math.min(sizeBytes, end << granularity.shift()) - offsetBytes));
    }

    private long next(long from, long granules) {
        long at = from;
        while (at < granules) {
            long word = (long) WORDS.getVolatile(words, (int) (at >>> 6)) & (-1L << at);
            if (word != 0) {
                return (at & -Long.SIZE) + Long.numberOfTrailingZeros(word);
            }
            at = (at | (Long.SIZE - 1)) + 1;
        }
        return granules;
    }

    private boolean takeOne(long granule) {
        long bit = 1L << granule;
        long before = (long) WORDS.getAndBitwiseAnd(words, (int) (granule >>> 6), ~bit);
        boolean wasDirty = (before & bit) != 0;
        if (wasDirty) {
            dirty.decrement();
        }
        return wasDirty;
    }

    /** Dirty granules times the granularity, in bytes: not clipped to the drive's size. */
    public long dirtyBytes() {
        return dirty.sum() << granularity.shift();
    }
}
