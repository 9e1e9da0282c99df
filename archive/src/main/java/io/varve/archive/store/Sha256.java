package io.varve.archive.store;

import io.varve.core.bits.Digest;
import java.nio.ByteBuffer;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.HexFormat;

/** SHA-256 of what stands in the archive. */
public final class Sha256 {
    private Sha256() {}

    public static Digest of(byte[] bytes) {
        return of(ByteBuffer.wrap(bytes));
    }

    /** Of the bytes between position and limit, which are left as they are. */
    public static Digest of(ByteBuffer bytes) {
        MessageDigest running = start();
        running.update(bytes.duplicate());
        return finish(running);
    }

    /** A running digest; feed it, then {@link #finish} it. */
    public static MessageDigest start() {
        try {
            return MessageDigest.getInstance("SHA-256");
        } catch (NoSuchAlgorithmException e) {
            throw new IllegalStateException("every Java platform has SHA-256", e);
        }
    }

    /** The digest of what was put into {@code running}, which is reset. */
    public static Digest finish(MessageDigest running) {
        return new Digest(HexFormat.of().formatHex(running.digest()));
    }

    /** The digest's 32 bytes. */
    static byte[] bytes(Digest digest) {
        return HexFormat.of().parseHex(digest.hex());
    }
}
