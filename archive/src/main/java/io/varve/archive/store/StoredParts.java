package io.varve.archive.store;

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
    public Sha256 digest() {
        MessageDigest sha256 = Sha256.newDigest();
        parts.forEach(part -> sha256.update(part.sha256().bytes()));
        return Sha256.of(sha256);
    }
}
