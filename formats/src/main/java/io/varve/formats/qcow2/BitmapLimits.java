package io.varve.formats.qcow2;

import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Optional;

/** What bitmaps QEMU 7.2 keeps in an image, and what it says of others: its clients know these texts. */
public final class BitmapLimits {
    public static final int BITMAPS_MAX = 65_535;
    public static final int NAME_BYTES_MAX = 1023;
    public static final int GRANULARITY_BITS_MIN = 9;
    public static final int GRANULARITY_BITS_MAX = 31;
    static final int DIRECTORY_BYTES_MAX = 1024 * BITMAPS_MAX;
    static final int BITMAP_BYTES_MAX = 512 << 20;
    static final int TABLE_ENTRIES_MAX = 0x8000000;

    private static final int VERSION_2 = 2;

    private BitmapLimits() {}

    /** Why an image with such a header can't keep a bitmap; empty when it can. */
    public static Optional<String> objection(DriveHeader header, String name, long granularityBytes) {
        if (header.version() == VERSION_2) {
            return Optional.of("Cannot store dirty bitmaps in qcow2 v2 files");
        }
        if (Long.bitCount(granularityBytes) != 1) {
            return Optional.of("Granularity must be power of 2");
        }
        if (granularityBytes > 1L << GRANULARITY_BITS_MAX) {
            return Optional.of("Granularity exceeds maximum (" + (1L << GRANULARITY_BITS_MAX) + " bytes)");
        }
        if (granularityBytes < 1L << GRANULARITY_BITS_MIN) {
            return Optional.of("Granularity is under minimum (" + (1L << GRANULARITY_BITS_MIN) + " bytes)");
        }
        long bytes = bitmapBytes(header, Long.numberOfTrailingZeros(granularityBytes));
        if (bytes > BITMAP_BYTES_MAX || header.clusterSize().clusters(bytes) > TABLE_ENTRIES_MAX) {
            return Optional.of("Too much space will be occupied by the bitmap. Use larger granularity");
        }
        int nameBytes = name.getBytes(StandardCharsets.UTF_8).length;
        if (nameBytes < 1) {
            return Optional.of("Bitmap name cannot be empty");
        }
        return nameBytes > NAME_BYTES_MAX
                ? Optional.of("Name length exceeds maximum (" + NAME_BYTES_MAX + " characters)")
                : Optional.empty();
    }

    /** Why an image can't keep so many of such names; empty when it can. */
    public static Optional<String> objection(List<String> names) {
        if (names.size() > BITMAPS_MAX) {
            return Optional.of("Too many persistent bitmaps");
        }
        long directoryBytes = 0;
        for (String name : names) {
            directoryBytes += BitmapEntry.lengthBytes(name.getBytes(StandardCharsets.UTF_8).length);
        }
        return directoryBytes > DIRECTORY_BYTES_MAX ? Optional.of("Bitmap directory is too large") : Optional.empty();
    }

    /** Bits that a bitmap of the drive has. */
    public static long bits(DriveHeader header, int granularityBits) {
        return ((header.sizeBytes() - 1) >>> granularityBits) + 1;
    }

    static long bitmapBytes(DriveHeader header, int granularityBits) {
        return ((bits(header, granularityBits) - 1) >>> 3) + 1;
    }
}
