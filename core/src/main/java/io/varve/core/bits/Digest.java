package io.varve.core.bits;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.HexFormat;

/**
 * SHA-256 over a bit set at its granularity: level 0's words, least significant bit first, zero-padded to whole 64-bit
 * words (so little-endian words).
 *
 * @param hex 64 lower-case hexadecimal digits
 */
public record Digest(String hex) {
    private static final int CHUNK_BYTES = 8192;

    public Digest {
        if (hex.length() != 64 || !hex.chars().allMatch(c -> (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f'))) {
            throw new IllegalArgumentException("not a SHA-256 in lower-case hexadecimal: '" + hex + "'");
        }
    }

    /** The digest of {@code bits} as they are now; nobody may set bits meanwhile. */
    public static Digest of(HierarchicalBitSet bits) {
        MessageDigest sha256 = sha256();
        ByteBuffer chunk = ByteBuffer.allocate(CHUNK_BYTES).order(ByteOrder.LITTLE_ENDIAN);
        for (long word = 0; word < bits.wordCount(); word++) {
            chunk.putLong(bits.word(word));
            if (!chunk.hasRemaining()) {
                sha256.update(chunk.flip());
                chunk.clear();
            }
        }
        sha256.update(chunk.flip());
        return new Digest(HexFormat.of().formatHex(sha256.digest()));
    }

    private static MessageDigest sha256() {
        try {
            return MessageDigest.getInstance("SHA-256");
        } catch (NoSuchAlgorithmException e) {
            throw new IllegalStateException("every Java platform has SHA-256", e);
        }
    }
}
