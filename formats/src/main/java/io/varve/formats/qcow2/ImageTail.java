package io.varve.formats.qcow2;

import java.nio.ByteBuffer;
import java.util.Iterator;
import java.util.NoSuchElementException;
import java.util.Optional;

/**
 * The end of a streamed image, a cluster at a time and made on demand: the last L2 table, the L1 table, the refcount
 * table and its blocks. With it comes the header, which is the file's first cluster.
 *
 * <p>Thread: one.
 */
public final class ImageTail implements Iterator<ByteBuffer> {
    private static final short REFERRED_ONCE = 1;

    private final ImageGeometry geometry;
    private final ClusterSize clusterSize;
    private final Optional<ByteBuffer> lastL2;
    private final long[] l1;
    private final long l1Cluster;
    private final RefcountArea refcounts;
    /** The host cluster that comes next. */
    private long next;

    /** The tail that begins with the last L2 table, if there is one, and the L1 table at {@code l1Cluster}. */
    ImageTail(ImageGeometry geometry, Optional<ByteBuffer> lastL2, long[] l1, long l1Cluster) {
        this.geometry = geometry;
        this.lastL2 = lastL2;
        this.l1 = l1;
        this.l1Cluster = l1Cluster;
        clusterSize = geometry.clusterSize();
        refcounts = RefcountArea.after(l1Cluster + geometry.l1Clusters(), clusterSize);
        next = l1Cluster - (lastL2.isPresent() ? 1 : 0);
    }

    /** The file's length, header and tail included. */
    public long fileBytes() {
        return clusterSize.offsetBytes(refcounts.fileClusters());
    }

    /** The file's first cluster. */
    public ByteBuffer header() {
        return new ImageHeader(
                        geometry,
                        clusterSize.offsetBytes(l1Cluster),
                        l1.length,
                        clusterSize.offsetBytes(refcounts.firstCluster()),
                        (int) refcounts.tableClusters())
                .encode();
    }

    @Override
    public boolean hasNext() {
        return next < refcounts.fileClusters();
    }

    /** The next cluster to append, the receiver's own. */
    @Override
    public ByteBuffer next() {
        if (!hasNext()) {
            throw new NoSuchElementException("the image has ended at " + fileBytes() + " bytes");
        }
        long cluster = next++;
        if (cluster < l1Cluster) {
            return lastL2.orElseThrow();
        }
        if (cluster < refcounts.firstCluster()) {
            return l1(cluster - l1Cluster);
        }
        if (cluster < refcounts.firstBlockCluster()) {
            return refcountTable(cluster - refcounts.firstCluster());
        }
        return refcountBlock(cluster - refcounts.firstBlockCluster());
    }

    private ByteBuffer l1(long index) {
        ByteBuffer out = ByteBuffer.allocate(clusterSize.bytes());
        int first = (int) index << clusterSize.tableEntriesShift();
        int end = Math.min(l1.length, first + clusterSize.tableEntries());
        for (int entry = first; entry < end; entry++) {
            out.putLong(l1[entry]);
        }
        return out.rewind();
    }

    private ByteBuffer refcountTable(long index) {
        ByteBuffer out = ByteBuffer.allocate(clusterSize.bytes());
        long first = index << clusterSize.tableEntriesShift();
        long end = Math.min(refcounts.blockClusters(), first + clusterSize.tableEntries());
        for (long block = first; block < end; block++) {
            out.putLong(clusterSize.offsetBytes(refcounts.firstBlockCluster() + block));
        }
        return out.rewind();
    }

    private ByteBuffer refcountBlock(long index) {
        ByteBuffer out = ByteBuffer.allocate(clusterSize.bytes());
        long first = index * clusterSize.refcountsPerBlock();
        long end = Math.min(refcounts.fileClusters(), first + clusterSize.refcountsPerBlock());
        for (long cluster = first; cluster < end; cluster++) {
            out.putShort(REFERRED_ONCE);
        }
        return out.rewind();
    }
}
