package io.varve.simulator;

import java.nio.ByteBuffer;
import java.util.Map;
import java.util.TreeMap;

/** What a backup's data object holds: granules with the versions of their blocks. */
final class Archived {
    private Archived() {}

    static byte[] write(Map<Long, long[]> granules) {
        int longs =
                granules.values().stream().mapToInt(blocks -> blocks.length + 2).sum();
        ByteBuffer bytes = ByteBuffer.allocate(longs * Long.BYTES);
        granules.forEach((granule, blocks) -> {
            bytes.putLong(granule).putLong(blocks.length);
            for (long block : blocks) {
                bytes.putLong(block);
            }
        });
        return bytes.array();
    }

    static Map<Long, long[]> read(byte[] object) {
        Map<Long, long[]> granules = new TreeMap<>();
        ByteBuffer bytes = ByteBuffer.wrap(object);
        while (bytes.hasRemaining()) {
            long granule = bytes.getLong();
            long[] blocks = new long[Math.toIntExact(bytes.getLong())];
            for (int index = 0; index < blocks.length; index++) {
                blocks[index] = bytes.getLong();
            }
            granules.put(granule, blocks);
        }
        return granules;
    }

    static void applyTo(long[] image, Map<Long, long[]> granules) {
        granules.forEach((granule, blocks) -> System.arraycopy(
                blocks, 0, image, Math.toIntExact(granule) * PointInTime.GRANULE_BLOCKS, blocks.length));
    }
}
