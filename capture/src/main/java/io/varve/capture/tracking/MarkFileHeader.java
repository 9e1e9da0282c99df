package io.varve.capture.tracking;

import io.varve.core.bits.Granularity;
import io.varve.core.bits.HierarchicalBitSet;
import io.varve.core.id.IncarnationId;
import io.varve.core.id.JournalId;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;
import java.util.Optional;
import java.util.UUID;

/**
 * The first page of a file of marks, live or kept. Numbers are little-endian, so that a mapped store is a plain one.
 *
 * <pre>
 *     0   "VRVMARK1"
 *     8   journal id             24   incarnation            40   boot id         16 bytes each
 *    56   generation             64   granularity, bytes     72   drive size, bytes
 *   128   last write, milliseconds since the epoch (changes; in a cache line of its own)
 *  4096   the bits, least significant first, in whole 64-bit words
 * </pre>
 *
 * @param boot of the host: live sets of another boot aren't complete
 */
record MarkFileHeader(
        JournalId journal,
        IncarnationId incarnation,
        UUID boot,
        long generation,
        Granularity granularity,
        long sizeBytes) {
    static final int BYTES = 4096;
    static final int LAST_WRITE_OFFSET = 128;

    private static final ValueLayout.OfLong LONG = ValueLayout.JAVA_LONG_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);
    private static final long MAGIC = 0x314b_5241_4d56_5256L;

    long fileBytes() {
        return BYTES + HierarchicalBitSet.byteSize(bitCount());
    }

    long bitCount() {
        return Math.max(1, granularity.granules(sizeBytes));
    }

    void writeTo(MemorySegment segment) {
        put(segment, 8, journal.value());
        put(segment, 24, incarnation.value());
        put(segment, 40, boot);
        segment.set(LONG, 56, generation);
        segment.set(LONG, 64, granularity.bytes());
        segment.set(LONG, 72, sizeBytes);
        // Last, so that a file that a kill left half made isn't taken for one of marks.
        segment.set(LONG, 0, MAGIC);
    }

    /** What the page says; empty when it isn't the first page of a file of marks as long as this one. */
    static Optional<MarkFileHeader> readFrom(MemorySegment segment) {
        if (segment.byteSize() < BYTES || segment.get(LONG, 0) != MAGIC) {
            return Optional.empty();
        }
        long granularityBytes = segment.get(LONG, 64);
        long sizeBytes = segment.get(LONG, 72);
        if (!Granularity.isValid(granularityBytes) || sizeBytes < 0) {
            return Optional.empty();
        }
        MarkFileHeader header = new MarkFileHeader(
                new JournalId(uuid(segment, 8)),
                new IncarnationId(uuid(segment, 24)),
                uuid(segment, 40),
                segment.get(LONG, 56),
                new Granularity(granularityBytes),
                sizeBytes);
        return segment.byteSize() >= header.fileBytes() ? Optional.of(header) : Optional.empty();
    }

    private static void put(MemorySegment segment, long offset, UUID value) {
        segment.set(LONG, offset, value.getMostSignificantBits());
        segment.set(LONG, offset + Long.BYTES, value.getLeastSignificantBits());
    }

    private static UUID uuid(MemorySegment segment, long offset) {
        return new UUID(segment.get(LONG, offset), segment.get(LONG, offset + Long.BYTES));
    }
}
