package io.varve.archive.sums;

/**
 * One cluster of a backup.
 *
 * @param clusterIndex counts clusters from the drive's beginning
 * @param dataOffsetBytes where its stored bytes begin in the data object; 0 for zeros
 * @param storedBytes how many they are; 0 for zeros
 * @param digest of the whole cluster's plain content; the drive's last cluster is filled up with zeros
 */
public record ClusterSum(long clusterIndex, long dataOffsetBytes, int storedBytes, Kind kind, ClusterDigest digest) {
    /** How a cluster is stored. The codes are the format's. */
    public enum Kind {
        /** As it is. */
        DATA(1),
        /** Not at all: all its bytes are zero. */
        ZERO(2);

        private final int code;

        Kind(int code) {
            this.code = code;
        }

        int code() {
            return code;
        }
    }

    public ClusterSum {
        boolean placed = kind == Kind.DATA ? storedBytes > 0 : storedBytes == 0 && dataOffsetBytes == 0;
        if (clusterIndex < 0 || dataOffsetBytes < 0 || !placed) {
            throw new IllegalArgumentException("cluster " + clusterIndex + " (" + kind + ") with " + storedBytes
                    + " stored bytes at " + dataOffsetBytes);
        }
    }

    /** A cluster that's stored as it is. */
    public static ClusterSum data(long clusterIndex, long dataOffsetBytes, int clusterSizeBytes, ClusterDigest digest) {
        return new ClusterSum(clusterIndex, dataOffsetBytes, clusterSizeBytes, Kind.DATA, digest);
    }

    /**
     * A cluster of zeros.
     *
     * @param digest {@link ClusterDigest#ofZeros}
     */
    public static ClusterSum zero(long clusterIndex, ClusterDigest digest) {
        return new ClusterSum(clusterIndex, 0, 0, Kind.ZERO, digest);
    }
}
