package io.varve.transfer;

import java.io.IOException;

/** Hears of every cluster that an image holds, in ascending order, on the copying thread. */
@FunctionalInterface
public interface SumsListener {
    /** For copies whose checksums nobody wants. */
    SumsListener NONE = _ -> {};

    void stored(ClusterSum sum) throws IOException;
}
