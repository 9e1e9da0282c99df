package io.varve.formats.qcow2;

import java.util.Optional;

/**
 * What is known of an image before its first cluster.
 *
 * @param sizeBytes what the guest sees; a multiple of 512 and at most {@link #sizeBytesMax}
 * @param backing what shows through where the image has no cluster; zeros when there is none
 */
public record ImageGeometry(long sizeBytes, ClusterSize clusterSize, Optional<Backing> backing) {
    public static final int SECTOR_BYTES = 512;

    /** QEMU opens no image with a larger L1 table (block/qcow2.h, QCOW_MAX_L1_SIZE). */
    static final int L1_BYTES_MAX = 32 << 20;

    /** QEMU opens no image with a larger refcount table (block/qcow2.h, QCOW_MAX_REFTABLE_SIZE). */
    static final int REFCOUNT_TABLE_BYTES_MAX = 8 << 20;

    public ImageGeometry {
        Optional<String> objection = objection(sizeBytes, clusterSize, backing);
        if (objection.isPresent()) {
            throw new IllegalArgumentException(objection.get());
        }
    }

    /** Why there can't be such an image, in one sentence; empty when there can. */
    public static Optional<String> objection(long sizeBytes, ClusterSize clusterSize, Optional<Backing> backing) {
        if (sizeBytes < 0 || sizeBytes % SECTOR_BYTES != 0) {
            return Optional.of("an image of " + sizeBytes + " bytes; expected a multiple of " + SECTOR_BYTES);
        }
        if (sizeBytes > sizeBytesMax(clusterSize)) {
            return Optional.of("an image of " + sizeBytes + " bytes with clusters of " + clusterSize.bytes()
                    + " bytes; expected at most " + sizeBytesMax(clusterSize) + ", or larger clusters");
        }
        int headBytes = HeaderFields.lengthBytes(backing);
        if (headBytes > clusterSize.bytes()) {
            return Optional.of("a header of " + headBytes + " bytes with the backing file's name; expected at most the "
                    + clusterSize.bytes() + " bytes of a cluster");
        }
        return Optional.empty();
    }

    /** The largest image of which QEMU opens even a full one, by the sizes of its L1 and refcount tables. */
    public static long sizeBytesMax(ClusterSize clusterSize) {
        int shift = clusterSize.shift();
        long byL1Bytes = ((long) L1_BYTES_MAX / Long.BYTES) << (clusterSize.tableEntriesShift() + shift);
        long refcountBlocks = REFCOUNT_TABLE_BYTES_MAX / Long.BYTES;
        long byRefcountsBytes = (refcountBlocks * clusterSize.refcountsPerBlock()) << shift;
        // Metadata is less than 1/32 of an image whose clusters are the smallest.
        return Math.min(byL1Bytes, byRefcountsBytes - byRefcountsBytes / 32);
    }

    public long clusters() {
        return clusterSize.clusters(sizeBytes);
    }

    /** L2 tables of an image that is full. */
    public int l2Tables() {
        return (int) ((clusters() + clusterSize.tableEntries() - 1) >>> clusterSize.tableEntriesShift());
    }

    /** Entries of the L1 table; QEMU wants one even for an image of no bytes. */
    public int l1Entries() {
        return Math.max(1, l2Tables());
    }

    /**
     * Upper bound of the file's length when it holds {@code clusters}, of which at most {@code dataClusters} are data.
     */
    public long fileBytesMax(long clusters, long dataClusters) {
        long beforeRefcounts = 1 + dataClusters + Math.min(clusters, l2Tables()) + l1Clusters();
        return RefcountArea.after(beforeRefcounts, clusterSize).fileClusters() << clusterSize.shift();
    }

    int l1Clusters() {
        return (int) clusterSize.clusters((long) l1Entries() * Long.BYTES);
    }
}
