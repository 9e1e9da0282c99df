package io.varve.formats.qcow2;

/**
 * Where the refcounts stand, at the file's end: first the table (8 bytes a block), then the blocks (2 bytes a cluster
 * of the file). They count themselves too, hence the fixed point.
 *
 * @param firstCluster the host cluster at which the table begins
 * @param fileClusters all clusters of the file, the area's included
 */
record RefcountArea(long firstCluster, long tableClusters, long blockClusters, long fileClusters) {

    /** The area behind {@code clustersBefore} host clusters, each of which is referred to once. */
    static RefcountArea after(long clustersBefore, ClusterSize clusterSize) {
        long tables = 0;
        long blocks = 0;
        while (true) {
            long total = clustersBefore + tables + blocks;
            long wantedBlocks = ceilDiv(total, clusterSize.refcountsPerBlock());
            long wantedTables = ceilDiv(wantedBlocks, clusterSize.tableEntries());
            if (wantedBlocks == blocks && wantedTables == tables) {
                return new RefcountArea(clustersBefore, tables, blocks, total);
            }
            blocks = wantedBlocks;
            tables = wantedTables;
        }
    }

    private static long ceilDiv(long dividend, long divisor) {
        return (dividend + divisor - 1) / divisor;
    }

    long firstBlockCluster() {
        return firstCluster + tableClusters;
    }
}
