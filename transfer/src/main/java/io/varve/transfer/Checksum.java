package io.varve.transfer;

import java.nio.ByteBuffer;
import java.util.HexFormat;

/** The first 16 bytes of a cluster's SHA-256, big-endian. */
public record Checksum(long high, long low) {
    public static final int BYTES = 16;

    /** Of a whole SHA-256, or of the checksum's bytes alone. */
    public static Checksum ofBytes(byte[] sha256) {
        ByteBuffer bytes = ByteBuffer.wrap(sha256);
        return new Checksum(bytes.getLong(), bytes.getLong());
    }

    public byte[] toBytes() {
        return ByteBuffer.allocate(BYTES).putLong(high).putLong(low).array();
    }

    @Override
    public String toString() {
        return HexFormat.of().formatHex(toBytes());
    }
}
