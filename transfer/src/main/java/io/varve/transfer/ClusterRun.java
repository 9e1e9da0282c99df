package io.varve.transfer;

import io.varve.formats.qcow2.ClusterSize;

/** Clusters [first, end) of a drive, at least one. */
record ClusterRun(long first, long end) {
    ClusterRun {
        if (first < 0 || end <= first) {
            throw new IllegalArgumentException("clusters " + first + " to " + end + "; expected at least one");
        }
    }

    long count() {
        return end - first;
    }

    /** How many bytes of a drive of {@code sizeBytes} they are. */
    long bytes(ClusterSize clusterSize, long sizeBytes) {
        return Math.min(sizeBytes, clusterSize.offsetBytes(end)) - clusterSize.offsetBytes(first);
    }
}
