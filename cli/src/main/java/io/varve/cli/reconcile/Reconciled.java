package io.varve.cli.reconcile;

import java.util.Optional;

/**
 * A drive whose bitmap is right again.
 *
 * @param comparedWith the sync point, or empty for an image
 * @param inconsistency why the bitmap couldn't be trusted before, if so
 * @param differingBytes what differed from what it was compared with, in granules of the bitmap
 * @param dirtyBytes what the bitmap holds: that, and what was written meanwhile
 */
public record Reconciled(
        String device,
        Optional<String> comparedWith,
        Optional<String> inconsistency,
        long sizeBytes,
        long differingBytes,
        long dirtyBytes) {}
