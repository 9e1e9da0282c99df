package io.varve.archive.store;

import io.varve.core.bits.Digest;
import java.security.MessageDigest;
import java.util.List;

/** The parts that an object was stored in, in order; they give its digest, since no one saw its bytes in order. */
public record StoredParts(List<StoredPart> parts) {
    public StoredParts {
        parts = List.copyOf(parts);
    }

    public long lengthBytes() {
        return parts.stream().mapToLong(StoredPart::lengthBytes).sum();
    }

    /** The object's digest: SHA-256 over the SHA-256s of its parts (32 bytes each), in order. */
    public Digest digest() {
        MessageDigest sha256 = Sha256.start();
        parts.forEach(part -> sha256.update(Sha256.bytes(part.sha256())));
        return Sha256.finish(sha256);
    }
}
