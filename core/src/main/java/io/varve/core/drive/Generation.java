package io.varve.core.drive;

import io.varve.core.bits.Digest;
import io.varve.core.bits.Granularity;
import java.util.Optional;

/**
 * The layer of writes between two cuts.
 *
 * @param sizeBytes the drive's size while it was open
 * @param seal empty while it is open
 */
public record Generation(long number, Granularity granularity, long sizeBytes, Optional<Seal> seal) {
    /** What a seal promises of the marks, which change no more; the digest is at the generation's granularity. */
    public record Seal(long dirtyBytes, Digest digest) {}
}
