package io.varve.core.bits;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.nio.ByteOrder;

/**
 * A bit set with summary levels, so that finding the next set bit of a sparse set is cheap.
 *
 * <p>Level 0 holds the bits, 64 a word, least significant bit first, in a memory segment that may be heap or a mapped
 * file. Each bit of level n + 1 says whether a word of level n may be non-zero, up to a level of one word. Summaries
 * live on the heap and are rebuilt from level 0 when a segment is opened, so only level 0 need survive a process.
 *
 * <p>A setter sets the summaries first, from the top down, and the bit last: so whoever sees a bit, and even a setter
 * that finds its bits set by another that hasn't returned yet, knows that searches find it. A search that meets a
 * summary ahead of its word goes on behind it.
 *
 * <p>Worked example, 200 bits: setting bits 130 to 140 ORs word 2 of level 0 and bit 2 of level 1's only word. A search
 * from bit 0 reads word 0 (zero), then level 1 (bit 2 set), then word 2: three reads, whatever lies between.
 *
 * <p>Cost: {@link #set} in a set range reads one word a 64 bits; otherwise one atomic OR a word, and one a summary
 * level for words that were zero. Nothing is allocated.
 *
 * <p>Thread: {@link #set} and the readers are safe for any thread; a reader that runs beside a setter may miss that
 * setter's bits, never those of a setter that finished before. {@link #clear} and {@link #union} want the set for
 * themselves.
 */
public final class HierarchicalBitSet {
    private static final ValueLayout.OfLong WORD = ValueLayout.JAVA_LONG.withOrder(ByteOrder.LITTLE_ENDIAN);
    private static final VarHandle WORDS = WORD.arrayElementVarHandle();
    private static final VarHandle SUMMARY = MethodHandles.arrayElementVarHandle(long[].class);

    private final long bitCount;
    private final long wordCount;
    private final MemorySegment words;
    private final long[][] summaries;

    private HierarchicalBitSet(MemorySegment words, long bitCount) {
        this.bitCount = bitCount;
        this.wordCount = wordCount(bitCount);
        this.words = words;
        this.summaries = summariesFor(wordCount);
    }

    /** An empty set of {@code bitCount} bits on the heap. */
    public static HierarchicalBitSet ofHeap(long bitCount) {
        long[] level0 = new long[Math.toIntExact(wordCount(bitCount))];
        return new HierarchicalBitSet(MemorySegment.ofArray(level0), bitCount);
    }

    /**
     * A set over the words that {@code segment} holds already; summaries are rebuilt from them.
     *
     * @param segment at least {@link #byteSize} bytes; 8-byte aligned
     */
    public static HierarchicalBitSet over(MemorySegment segment, long bitCount) {
        if (segment.byteSize() < byteSize(bitCount)) {
            throw new IllegalArgumentException("segment of " + segment.byteSize() + " bytes; expected at least "
                    + byteSize(bitCount) + " for " + bitCount + " bits");
        }
        HierarchicalBitSet set = new HierarchicalBitSet(segment, bitCount);
        for (long word = 0; word < set.wordCount; word++) {
            if (set.word(word) != 0) {
                set.summarise(word);
            }
        }
        return set;
    }

    /** Bytes of level 0 for {@code bitCount} bits: whole 64-bit words. */
    public static long byteSize(long bitCount) {
        return wordCount(bitCount) * Long.BYTES;
    }

    private static long wordCount(long bitCount) {
        if (bitCount <= 0) {
            throw new IllegalArgumentException("bit set of " + bitCount + " bits; expected at least 1");
        }
        return (bitCount + 63) >>> 6;
    }

    private static long[][] summariesFor(long level0Words) {
        int levels = 0;
        for (long count = level0Words; count > 1; count = (count + 63) >>> 6) {
            levels++;
        }
        long[][] summaries = new long[levels][];
        long count = level0Words;
        for (int level = 0; level < levels; level++) {
            count = (count + 63) >>> 6;
            summaries[level] = new long[Math.toIntExact(count)];
        }
        return summaries;
    }

    public long bitCount() {
        return bitCount;
    }

    public long wordCount() {
        return wordCount;
    }

    /** Word {@code index} of level 0. */
    public long word(long index) {
        return (long) WORDS.getVolatile(words, 0L, index);
    }

    public boolean get(long bit) {
        checkRange(bit, bit + 1);
        return (word(bit >>> 6) & (1L << bit)) != 0;
    }

    /** Sets the bits [fromBit, toBit). */
    public void set(long fromBit, long toBit) {
        checkRange(fromBit, toBit);
        if (fromBit == toBit) {
            return;
        }
        long firstWord = fromBit >>> 6;
        long lastWord = (toBit - 1) >>> 6;
        long firstMask = -1L << fromBit;
        long lastMask = -1L >>> -toBit;
        if (firstWord == lastWord) {
            or(firstWord, firstMask & lastMask);
            return;
        }
        or(firstWord, firstMask);
        for (long word = firstWord + 1; word < lastWord; word++) {
            or(word, -1L);
        }
        or(lastWord, lastMask);
    }

    /** Adds every bit of {@code other}, which has the same number of bits. */
    public void union(HierarchicalBitSet other) {
        if (other.bitCount != bitCount) {
            throw new IllegalArgumentException("union of " + other.bitCount + " bits into " + bitCount);
        }
        for (long bit = other.nextSet(0); bit >= 0; ) {
            long index = bit >>> 6;
            or(index, other.word(index));
            long next = (index + 1) << 6;
            bit = next >= bitCount ? -1 : other.nextSet(next);
        }
    }

    /** Removes every bit. */
    public void clear() {
        words.asSlice(0, wordCount * Long.BYTES).fill((byte) 0);
        for (long[] summary : summaries) {
            java.util.Arrays.fill(summary, 0);
        }
    }

    public boolean isEmpty() {
        return nextSet(0) < 0;
    }

    public long cardinality() {
        long count = 0;
        for (long bit = nextSet(0); bit >= 0; ) {
            long index = bit >>> 6;
            count += Long.bitCount(word(index));
            long next = (index + 1) << 6;
            bit = next >= bitCount ? -1 : nextSet(next);
        }
        return count;
    }

    /** The first set bit at or after {@code fromBit}, or -1. */
    public long nextSet(long fromBit) {
        if (fromBit >= bitCount) {
            return -1;
        }
        long index = fromBit >>> 6;
        long word = word(index) & (-1L << fromBit);
        if (word != 0) {
            return (index << 6) + Long.numberOfTrailingZeros(word);
        }
        long nextWord = nextNonZeroWord(index + 1);
        return nextWord < 0 ? -1 : (nextWord << 6) + Long.numberOfTrailingZeros(word(nextWord));
    }

    /** The first clear bit at or after {@code fromBit}, or {@link #bitCount} when there is none. */
    public long nextClear(long fromBit) {
        return nextClear(fromBit, bitCount);
    }

    /** The first clear bit in [fromBit, endBit), or else {@code endBit}, or {@link #bitCount} when that's less. */
    public long nextClear(long fromBit, long endBit) {
        long end = Math.min(endBit, bitCount);
        if (fromBit >= end) {
            return end;
        }
        long index = fromBit >>> 6;
        long lastIndex = (end - 1) >>> 6;
        long word = ~word(index) & (-1L << fromBit);
        while (word == 0) {
            index++;
            if (index > lastIndex) {
                return end;
            }
            word = ~word(index);
        }
        return Math.min(end, (index << 6) + Long.numberOfTrailingZeros(word));
    }

    private long nextNonZeroWord(long fromWord) {
        long from = fromWord;
        while (from < wordCount) {
            long found = nextSummarised(from);
            if (found < 0 || word(found) != 0) {
                return found;
            }
            from = found + 1;
        }
        return -1;
    }

    /** Climbs until a summary has a set bit at or after {@code fromWord}, then descends to that word. */
    private long nextSummarised(long fromWord) {
        long position = fromWord;
        for (int level = 0; level < summaries.length; level++) {
            long[] summary = summaries[level];
            int index = (int) (position >>> 6);
            if (index >= summary.length) {
                return -1;
            }
            long word = (long) SUMMARY.getVolatile(summary, index) & (-1L << position);
            if (word != 0) {
                return descend(level, ((long) index << 6) + Long.numberOfTrailingZeros(word));
            }
            position = index + 1L;
        }
        return -1;
    }

    private long descend(int fromLevel, long position) {
        long found = position;
        for (int level = fromLevel - 1; level >= 0; level--) {
            long word = (long) SUMMARY.getVolatile(summaries[level], (int) found);
            // Still zero when the setter is between the levels: then the first word below is as good as any.
            found = (found << 6) + (word == 0 ? 0 : Long.numberOfTrailingZeros(word));
        }
        return found;
    }

    private void or(long index, long mask) {
        long known = word(index);
        if ((known & mask) == mask) {
            return;
        }
        if (known == 0) {
            summarise(index);
        }
        WORDS.getAndBitwiseOr(words, 0L, index, mask);
    }

    /** From the top down: a summary's bit is never seen before those above it. */
    private void summarise(long wordIndex) {
        for (int level = summaries.length - 1; level >= 0; level--) {
            long position = wordIndex >>> (6 * level);
            long mask = 1L << position;
            int index = (int) (position >>> 6);
            if (((long) SUMMARY.getVolatile(summaries[level], index) & mask) == 0) {
                SUMMARY.getAndBitwiseOr(summaries[level], index, mask);
            }
        }
    }

    private void checkRange(long fromBit, long toBit) {
        if (fromBit < 0 || toBit < fromBit || toBit > bitCount) {
            throw new IndexOutOfBoundsException("bits [" + fromBit + ", " + toBit + ") of " + bitCount);
        }
    }
}
