package io.varve.formats.qcow2;

import io.varve.formats.qcow2.Malformed.Overlapping;
import java.util.Arrays;

/** The host clusters in which an image's metadata stood when it was opened: no guest's data may lie there. */
public final class MetadataMap {
    private final ClusterSize clusterSize;
    private final long[] clusters; // sorted

    private MetadataMap(ClusterSize clusterSize, long[] clusters) {
        this.clusterSize = clusterSize;
        this.clusters = clusters;
    }

    /**
     * Collects the clusters; refused when two structures share one.
     *
     * @param l2Offsets of the L2 tables; 0 for none
     * @param blockOffsets of the refcount blocks; 0 for none
     */
    public static Decoding<MetadataMap> of(DriveHeader header, long[] l2Offsets, long[] blockOffsets) {
        ClusterSize clusterSize = header.clusterSize();
        int shift = clusterSize.shift();
        int l1Clusters = (int) clusterSize.clusters((long) header.l1Entries() * Long.BYTES);
        int fixed = 1 + l1Clusters + header.refcountTableClusters();
        long[] clusters = new long[fixed + l2Offsets.length + blockOffsets.length];
        int count = 1;
        for (int index = 0; index < l1Clusters; index++) {
            clusters[count++] = (header.l1OffsetBytes() >>> shift) + index;
        }
        for (int index = 0; index < header.refcountTableClusters(); index++) {
            clusters[count++] = (header.refcountTableOffsetBytes() >>> shift) + index;
        }
        count = add(clusters, count, l2Offsets, shift);
        count = add(clusters, count, blockOffsets, shift);
        long[] sorted = Arrays.copyOf(clusters, count);
        Arrays.sort(sorted);
        for (int index = 1; index < count; index++) {
            if (sorted[index] == sorted[index - 1]) {
                return new Decoding.Refused<>(new Overlapping("one of its tables", "another", sorted[index] << shift));
            }
        }
        return new Decoding.Decoded<>(new MetadataMap(clusterSize, sorted));
    }

    private static int add(long[] clusters, int begin, long[] offsets, int shift) {
        int count = begin;
        for (long offset : offsets) {
            if (offset != 0) {
                clusters[count++] = offset >>> shift;
            }
        }
        return count;
    }

    /** Whether metadata stood in a host cluster. */
    public boolean holds(long hostCluster) {
        return Arrays.binarySearch(clusters, hostCluster) >= 0;
    }

    /** Whether the valid L2 entry refers to metadata. */
    public boolean isHit(long entry) {
        if (DriveEntry.kind(entry) == DriveEntry.Kind.COMPRESSED) {
            long begin = DriveEntry.compressedOffsetBytes(entry, clusterSize);
            long last = begin + DriveEntry.compressedBytes(entry, clusterSize) - 1;
            return holds(begin >>> clusterSize.shift()) || holds(last >>> clusterSize.shift());
        }
        long hostOffsetBytes = DriveEntry.hostOffsetBytes(entry);
        return hostOffsetBytes != 0 && holds(hostOffsetBytes >>> clusterSize.shift());
    }
}
