package io.varve.archive.store;

import io.varve.core.bits.Digest;

/** One stored part of an object. */
public record StoredPart(long lengthBytes, Digest sha256) {
    public StoredPart {
        if (lengthBytes < 0) {
            throw new IllegalArgumentException("a part of " + lengthBytes + " bytes; expected 0 or more");
        }
    }
}
