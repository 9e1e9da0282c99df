package io.varve.transfer;

import io.varve.core.bits.Extent;
import io.varve.formats.qcow2.ClusterSize;
import io.varve.transfer.source.ClusterSource;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;

/**
 * Which clusters a source knows to be zeros, asked for in large windows as the copy goes on.
 *
 * <p>Thread: one, with ascending clusters.
 */
final class ZeroClusters {
    private static final long WINDOW_BYTES = 256L << 20;

    private final ClusterSource source;
    private final ClusterSize clusterSize;
    private final long clusters;
    private final long windowClusters;

    /** Runs of zeros in the window [windowFirst, windowEnd), ascending. */
    private List<ClusterRun> zeros = List.of();

    private long windowFirst;
    private long windowEnd;

    ZeroClusters(ClusterSource source, ClusterSize clusterSize) {
        this.source = source;
        this.clusterSize = clusterSize;
        clusters = clusterSize.clusters(source.sizeBytes());
        windowClusters = clusterSize.clusters(WINDOW_BYTES);
    }

    /** The run from {@code first} on, at most to {@code end}, whose clusters are alike: known to be zeros, or not. */
    Stretch stretch(long first, long end) throws ReadFailedException {
        if (first < windowFirst || first >= windowEnd) {
            load(first);
        }
        long limit = Math.min(end, windowEnd);
        for (ClusterRun run : zeros) {
            if (run.end() > first) {
                return run.first() <= first
                        ? new Stretch(new ClusterRun(first, Math.min(limit, run.end())), true)
                        : new Stretch(new ClusterRun(first, Math.min(limit, run.first())), false);
            }
        }
        return new Stretch(new ClusterRun(first, limit), false);
    }

    /** A run of clusters that are all known to be zeros, or of which nothing is known. */
    record Stretch(ClusterRun run, boolean isZero) {}

    private void load(long first) throws ReadFailedException {
        windowFirst = first;
        windowEnd = Math.min(clusters, first + windowClusters);
        long offsetBytes = clusterSize.offsetBytes(windowFirst);
        long endBytes = Math.min(source.sizeBytes(), clusterSize.offsetBytes(windowEnd));
        List<ClusterRun> found = new ArrayList<>();
        for (Extent extent : ask(new Extent(offsetBytes, endBytes - offsetBytes))) {
            long zeroFirst = clusterSize.clusters(extent.offsetBytes());
            long zeroEnd =
                    extent.endBytes() >= source.sizeBytes() ? clusters : extent.endBytes() >> clusterSize.shift();
            if (zeroEnd > zeroFirst) {
                found.add(new ClusterRun(zeroFirst, zeroEnd));
            }
        }
        zeros = found;
    }

    private List<Extent> ask(Extent window) throws ReadFailedException {
        try {
            return source.zeros(window);
        } catch (IOException e) {
            throw new ReadFailedException(
                    "can't tell which of the " + window.lengthBytes() + " bytes at offset " + window.offsetBytes()
                            + " of " + source.describe() + " are allocated: " + e.getMessage(),
                    e);
        }
    }
}
