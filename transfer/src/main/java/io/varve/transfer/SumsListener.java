package io.varve.transfer;

import io.varve.archive.sums.ClusterSum;
import java.io.IOException;

/**
 * Hears of every cluster that an image holds, in ascending order, on the copying thread. A cluster of which a full
 * image tells nothing is zeros.
 */
@FunctionalInterface
public interface SumsListener {
    /** For copies whose checksums nobody wants. */
    SumsListener NONE = _ -> {};

    void stored(ClusterSum sum) throws IOException;
}
