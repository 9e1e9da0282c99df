package io.varve.archive.store;

import io.minio.Http;
import io.varve.core.bits.Digest;
import java.io.EOFException;
import java.io.IOException;
import java.io.InputStream;
import java.nio.ByteBuffer;

/** What a request carries: bytes in the SDK's form, hashed once for the request and for the manifest. */
final class S3Body {
    private static final int CHUNK_BYTES = 64 * 1024;

    private final byte[] bytes;
    private final int lengthBytes;
    private final Digest sha256;

    private S3Body(byte[] bytes, int lengthBytes, Digest sha256) {
        this.bytes = bytes;
        this.lengthBytes = lengthBytes;
        this.sha256 = sha256;
    }

    /** The bytes between position and limit: not copied when they begin a heap buffer's array. */
    static S3Body of(ByteBuffer source) {
        Digest sha256 = Sha256.of(source);
        if (source.hasArray() && source.arrayOffset() + source.position() == 0) {
            return new S3Body(source.array(), source.remaining(), sha256);
        }
        byte[] copy = new byte[source.remaining()];
        source.duplicate().get(copy);
        return new S3Body(copy, copy.length, sha256);
    }

    /** Holds the body from its beginning; may be longer than it. */
    byte[] bytes() {
        return bytes;
    }

    int lengthBytes() {
        return lengthBytes;
    }

    Digest sha256() {
        return sha256;
    }

    /** New headers that let the server check the bytes against our digest. */
    Http.Headers headers() {
        Http.Headers headers = new Http.Headers();
        headers.put(Http.Headers.X_AMZ_CONTENT_SHA256, sha256.hex());
        return headers;
    }

    /** Reads a reply of exactly the target's remaining bytes; the target's position stays. */
    static int fill(InputStream reply, ObjectKey key, ByteBuffer target) throws IOException {
        ByteBuffer rest = target.duplicate();
        byte[] chunk = new byte[Math.min(CHUNK_BYTES, rest.remaining())];
        while (rest.hasRemaining()) {
            int count = reply.read(chunk, 0, Math.min(chunk.length, rest.remaining()));
            if (count < 0) {
                throw new StoreException(
                        StoreException.Category.MISSING,
                        "'" + key + "' ends " + rest.remaining() + " bytes too early; the object is damaged",
                        new EOFException());
            }
            rest.put(chunk, 0, count);
        }
        return target.remaining();
    }
}
