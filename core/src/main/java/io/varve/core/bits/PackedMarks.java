package io.varve.core.bits;

import java.nio.BufferUnderflowException;
import java.nio.ByteBuffer;
import java.util.Arrays;

/**
 * Marks as bytes for messages: for each run of dirty granules, ascending, the length of the clean gap before it and its
 * own length, both in granules, as unsigned LEB128.
 */
public final class PackedMarks {
    private final Granularity granularity;
    private final long sizeBytes;
    private final byte[] runs;

    public PackedMarks(Granularity granularity, long sizeBytes, byte[] runs) {
        this.granularity = granularity;
        this.sizeBytes = sizeBytes;
        this.runs = runs.clone();
    }

    public static PackedMarks of(Marks marks) {
        Growing packed = new Growing();
        HierarchicalBitSet bits = marks.bits();
        long end = 0;
        for (long from = bits.nextSet(0); from >= 0; from = bits.nextSet(end)) {
            packed.put(from - end);
            end = bits.nextClear(from);
            packed.put(end - from);
        }
        return new PackedMarks(marks.granularity(), marks.sizeBytes(), packed.bytes());
    }

    public Granularity granularity() {
        return granularity;
    }

    public long sizeBytes() {
        return sizeBytes;
    }

    public byte[] runs() {
        return runs.clone();
    }

    public int lengthBytes() {
        return runs.length;
    }

    /**
     * The marks, on the heap.
     *
     * @throws IllegalArgumentException when the bytes aren't runs within the drive
     */
    public Marks unpack() {
        Marks marks = Marks.none(granularity, sizeBytes);
        long granules = granularity.granules(sizeBytes);
        ByteBuffer packed = ByteBuffer.wrap(runs);
        long end = 0;
        while (packed.hasRemaining()) {
            long gap = next(packed);
            long length = next(packed);
            if (gap < 0 || length <= 0 || gap > granules - end || length > granules - end - gap) {
                throw new IllegalArgumentException("packed marks: a run of " + length + " granules after a gap of "
                        + gap + " at granule " + end + "; expected it within the drive's " + granules);
            }
            marks.bits().set(end + gap, end + gap + length);
            end += gap + length;
        }
        return marks;
    }

    private static long next(ByteBuffer packed) {
        try {
            long value = 0;
            for (int shift = 0; shift < Long.SIZE; shift += 7) {
                byte septet = packed.get();
                value |= (long) (septet & 0x7f) << shift;
                if (septet >= 0) {
                    return value;
                }
            }
        } catch (BufferUnderflowException e) {
            throw new IllegalArgumentException("packed marks end within a number", e);
        }
        throw new IllegalArgumentException("packed marks hold a number longer than 64 bits");
    }

    @Override
    public boolean equals(Object other) {
        return other instanceof PackedMarks that
                && granularity.equals(that.granularity)
                && sizeBytes == that.sizeBytes
                && Arrays.equals(runs, that.runs);
    }

    @Override
    public int hashCode() {
        return Arrays.hashCode(runs);
    }

    @Override
    public String toString() {
        return "PackedMarks[" + runs.length + " bytes, granularity " + granularity.bytes() + "]";
    }

    /** Bytes that grow as numbers are put. */
    private static final class Growing {
        private byte[] bytes = new byte[64];
        private int length;

        void put(long value) {
            long rest = value;
            while (rest >= 0x80) {
                append((byte) (rest | 0x80));
                rest >>>= 7;
            }
            append((byte) rest);
        }

        private void append(byte septet) {
            if (length == bytes.length) {
                bytes = Arrays.copyOf(bytes, length * 2);
            }
            bytes[length++] = septet;
        }

        byte[] bytes() {
            return Arrays.copyOf(bytes, length);
        }
    }
}
