package io.varve.restore.merge;

import io.varve.archive.sums.ClusterSum;
import java.io.IOException;
import java.util.Optional;

/** Gives one backup's clusters, ascending by index. */
@FunctionalInterface
public interface SumSource {
    /** The next cluster, or empty after the last, then too. */
    Optional<ClusterSum> next() throws IOException;
}
