package io.varve.core.activity;

/**
 * Regions of a drive, each {@value #REGION_BYTES} bytes: {@code count} of them from the one numbered {@code first}.
 *
 * @param count none at all is 0
 */
public record RegionSpan(int first, int count) {
    public static final int REGION_SHIFT = 22;
    public static final int REGION_BYTES = 1 << REGION_SHIFT;

    /** No region: of what wants only that the log is up to date. */
    public static final RegionSpan NONE = new RegionSpan(0, 0);

    public RegionSpan {
        if (first < 0 || count < 0) {
            throw new IllegalArgumentException(
                    "regions from " + first + ", " + count + " of them; expected neither below 0");
        }
    }

    /** The regions that a range of at least one byte touches. */
    public static RegionSpan touching(long offsetBytes, long lengthBytes) {
        int first = Math.toIntExact(offsetBytes >>> REGION_SHIFT);
        int last = Math.toIntExact((offsetBytes + lengthBytes - 1) >>> REGION_SHIFT);
        return new RegionSpan(first, last - first + 1);
    }

    /** The number behind the last one. */
    public int end() {
        return first + count;
    }

    public long offsetBytes() {
        return (long) first << REGION_SHIFT;
    }

    public long lengthBytes() {
        return (long) count << REGION_SHIFT;
    }
}
