package io.varve.core.bits;

/** A non-empty range of bytes of a drive: [offsetBytes, offsetBytes + lengthBytes). */
public record Extent(long offsetBytes, long lengthBytes) {
    public Extent {
        if (offsetBytes < 0 || lengthBytes <= 0 || offsetBytes > Long.MAX_VALUE - lengthBytes) {
            throw new IllegalArgumentException(
                    "not an extent: offset " + offsetBytes + " bytes, length " + lengthBytes + " bytes");
        }
    }

    /** The first byte after the extent. */
    public long endBytes() {
        return offsetBytes + lengthBytes;
    }
}
