package io.varve.restore.merge;

import io.varve.archive.sums.ClusterSum;

/**
 * A range of the drive, not longer than a cluster, with the backup that has its newest content.
 *
 * @param layer counts the chain's backups from the newest, 0
 * @param clusterOffsetBytes where that backup's cluster begins on the drive, at or before the range
 */
public record Segment(int layer, ClusterSum sum, long clusterOffsetBytes, long offsetBytes, long lengthBytes) {}
