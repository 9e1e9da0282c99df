package io.varve.chaos;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;

/**
 * What a writer's write puts into a sector: its version (the number of the write among the writer's), the sector, and
 * noise that follows from both. So a sector tells by itself which write it is of, and no other content passes for it.
 *
 * @param seed the writer's own
 */
record SectorContent(long seed) {
    static final int SECTOR_BYTES = 512;

    /** The version of a sector that is all zeros. */
    static final int ZEROS = 0;

    private static final int WORDS = SECTOR_BYTES / Long.BYTES;
    private static final long GOLDEN = 0x9E3779B97F4A7C15L;

    /** Puts one sector at the buffer's position. */
    void put(ByteBuffer into, long sector, int version) {
        into.order(ByteOrder.LITTLE_ENDIAN);
        into.putLong(version == ZEROS ? 0 : version);
        into.putLong(version == ZEROS ? 0 : sector);
        for (int word = 2; word < WORDS; word++) {
            into.putLong(noise(sector, version, word));
        }
    }

    /** Whether the sector at this index of a buffer is of this version. */
    boolean isAt(ByteBuffer bytes, int index, long sector, int version) {
        ByteBuffer from = bytes.duplicate().order(ByteOrder.LITTLE_ENDIAN);
        boolean same = from.getLong(index) == (version == ZEROS ? 0 : version)
                && from.getLong(index + Long.BYTES) == (version == ZEROS ? 0 : sector);
        for (int word = 2; same && word < WORDS; word++) {
            same = from.getLong(index + word * Long.BYTES) == noise(sector, version, word);
        }
        return same;
    }

    /** The version that the sector at this index of a buffer says it is of, whether or not that's so. */
    static long claimedVersion(ByteBuffer bytes, int index) {
        return bytes.duplicate().order(ByteOrder.LITTLE_ENDIAN).getLong(index);
    }

    /** SplitMix64's finalizer, over all that distinguishes a word. */
    private long noise(long sector, int version, int word) {
        if (version == ZEROS) {
            return 0;
        }
        long z = seed + GOLDEN * (sector * WORDS + word) + ((long) version << 40);
        z = (z ^ (z >>> 30)) * 0xBF58476D1CE4E5B9L;
        z = (z ^ (z >>> 27)) * 0x94D049BB133111EBL;
        return z ^ (z >>> 31);
    }
}
