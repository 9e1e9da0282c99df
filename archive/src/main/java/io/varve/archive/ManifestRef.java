package io.varve.archive;

import io.varve.archive.store.ObjectKey;
import io.varve.core.bits.Digest;

/** A manifest by its key and by the SHA-256 of its bytes: the link that decisions and children hold. */
public record ManifestRef(ObjectKey key, Digest sha256) {}
