package io.varve.capture.journal;

import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.zip.CRC32C;

/**
 * One append to a journal: records that become durable together, or not at all. All numbers are big-endian.
 *
 * <pre>
 *   0            4            8
 *   +------------+------------+-----------------------------------------+
 *   | length     | CRC-32C of | length bytes of records, each:          |
 *   | of payload | the payload| [4 bytes length][that many bytes]       |
 *   +------------+------------+-----------------------------------------+
 * </pre>
 */
final class Frame {
    static final int HEADER_BYTES = 8;
    static final int PAYLOAD_BYTES_MAX = 256 << 20;

    private Frame() {}

    static ByteBuffer encode(List<byte[]> records) {
        int payloadBytes = 0;
        for (byte[] record : records) {
            payloadBytes = Math.addExact(payloadBytes, Integer.BYTES + record.length);
        }
        if (payloadBytes > PAYLOAD_BYTES_MAX) {
            throw new IllegalArgumentException(
                    "journal append of " + payloadBytes + " bytes; expected at most " + PAYLOAD_BYTES_MAX);
        }
        ByteBuffer frame = ByteBuffer.allocate(HEADER_BYTES + payloadBytes);
        frame.position(HEADER_BYTES);
        for (byte[] record : records) {
            frame.putInt(record.length).put(record);
        }
        int checksum = checksum(frame.flip().slice(HEADER_BYTES, payloadBytes));
        return frame.putInt(0, payloadBytes).putInt(Integer.BYTES, checksum);
    }

    /** The records of a payload, or empty when its checksum or its lengths don't fit. */
    static Optional<List<byte[]>> decode(ByteBuffer payload, int checksum) {
        if (checksum(payload.duplicate()) != checksum) {
            return Optional.empty();
        }
        List<byte[]> records = new ArrayList<>();
        while (payload.hasRemaining()) {
            if (payload.remaining() < Integer.BYTES) {
                return Optional.empty();
            }
            int lengthBytes = payload.getInt();
            if (lengthBytes < 0 || lengthBytes > payload.remaining()) {
                return Optional.empty();
            }
            byte[] record = new byte[lengthBytes];
            payload.get(record);
            records.add(record);
        }
        return Optional.of(records);
    }

    private static int checksum(ByteBuffer bytes) {
        CRC32C crc = new CRC32C();
        crc.update(bytes);
        return (int) crc.getValue();
    }
}
