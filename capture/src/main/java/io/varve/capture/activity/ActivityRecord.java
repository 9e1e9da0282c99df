package io.varve.capture.activity;

import io.varve.core.activity.RegionSpan;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.zip.CRC32C;

/**
 * One state of an activity log, whole. All numbers are big-endian.
 *
 * <pre>
 *    0          4         8           16                   24              32
 *   +----------+---------+-----------+--------------------+---------------+------------------------------+
 *   | CRC-32C  | count   | sequence  | marks' generation  | lease,        | count times:                 |
 *   | of what  | of      | number    | (0 for none)       | milliseconds  | [4 first region][4 how many] |
 *   | follows  | spans   |           |                    |               |                              |
 *   +----------+---------+-----------+--------------------+---------------+------------------------------+
 * </pre>
 *
 * @param sequence the greater of two whole records is the newer one
 * @param marksGeneration the last generation whose marks were made durable while it was open: their file must be there
 * @param leaseMillis the agent changes the image no later than this, in milliseconds since the epoch, unless another
 *     record says so first
 * @param spans every region that a write may have touched since its marks were made durable
 */
public record ActivityRecord(long sequence, long marksGeneration, long leaseMillis, List<RegionSpan> spans) {
    private static final int HEAD_BYTES = 32;
    private static final int SPAN_BYTES = 2 * Integer.BYTES;

    public ActivityRecord {
        spans = List.copyOf(spans);
    }

    static int byteSize(int spansMax) {
        return HEAD_BYTES + spansMax * SPAN_BYTES;
    }

    ByteBuffer encode() {
        ByteBuffer bytes = ByteBuffer.allocate(byteSize(spans.size()));
        bytes.putInt(0)
                .putInt(spans.size())
                .putLong(sequence)
                .putLong(marksGeneration)
                .putLong(leaseMillis);
        spans.forEach(span -> bytes.putInt(span.first()).putInt(span.count()));
        bytes.flip();
        return bytes.putInt(0, checksum(bytes));
    }

    /** The record at the start of {@code bytes}; empty when there's no whole one. */
    static Optional<ActivityRecord> decode(ByteBuffer bytes) {
        if (bytes.remaining() < HEAD_BYTES) {
            return Optional.empty();
        }
        int start = bytes.position();
        int count = bytes.getInt(start + Integer.BYTES);
        if (count < 0 || count > (bytes.remaining() - HEAD_BYTES) / SPAN_BYTES) {
            return Optional.empty();
        }
        ByteBuffer whole = bytes.slice(start, byteSize(count));
        int expected = whole.getInt();
        if (checksum(whole.rewind()) != expected) {
            return Optional.empty();
        }
        whole.position(SPAN_BYTES);
        long sequence = whole.getLong();
        long marksGeneration = whole.getLong();
        long leaseMillis = whole.getLong();
        List<RegionSpan> spans = new ArrayList<>();
        for (int index = 0; index < count; index++) {
            int first = whole.getInt();
            int regions = whole.getInt();
            if (first < 0 || regions < 0) {
                return Optional.empty();
            }
            spans.add(new RegionSpan(first, regions));
        }
        return Optional.of(new ActivityRecord(sequence, marksGeneration, leaseMillis, spans));
    }

    private static int checksum(ByteBuffer bytes) {
        CRC32C crc = new CRC32C();
        crc.update(bytes.slice(Integer.BYTES, bytes.limit() - Integer.BYTES));
        return (int) crc.getValue();
    }
}
