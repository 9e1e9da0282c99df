package io.varve.formats.qcow2;

import java.nio.ByteBuffer;
import java.util.Optional;

/**
 * Lays an image out from its first byte to its last, so that it can be streamed.
 *
 * <pre>
 * header | data … L2 table | data … L2 table | … | L1 table | refcount table | refcount blocks
 * </pre>
 *
 * <p>The clusters are told in ascending order. An L2 table is appended when the first cluster behind it comes, so one
 * table is kept, and 8 bytes for each of those before. Every cluster of the file is referred to once, hence the
 * refcounts are known by the file's length alone. The header, the first cluster, refers to what is last: it's made
 * last, and whoever streams keeps the file's beginning until then.
 *
 * <p>Whoever drives it appends, in this order, what {@link #place} gives, the cluster itself when it's data, and at the
 * end what {@link #finish} gives.
 *
 * <p>Thread: one.
 */
public final class ImageStream {
    /** Where a cluster goes. */
    public sealed interface Placement {
        /** A table to append before all else, one cluster; it's the receiver's own. */
        Optional<ByteBuffer> finishedTable();

        /** The cluster is to be appended then, and stands at {@code hostOffsetBytes}. */
        record Data(Optional<ByteBuffer> finishedTable, long hostOffsetBytes) implements Placement {}

        /** The cluster takes no bytes. */
        record Zero(Optional<ByteBuffer> finishedTable) implements Placement {}
    }

    private static final int NO_TABLE = -1;

    private final ImageGeometry geometry;
    private final ClusterSize clusterSize;
    private final long[] l1;
    private ByteBuffer l2;
    private int l2Index = NO_TABLE;
    private long lastCluster = -1;
    /** Host clusters appended so far; the header is counted from the beginning. */
    private long hostClusters = 1;

    public ImageStream(ImageGeometry geometry) {
        this.geometry = geometry;
        clusterSize = geometry.clusterSize();
        l1 = new long[geometry.l1Entries()];
        l2 = ByteBuffer.allocate(0);
    }

    /**
     * Places the next cluster.
     *
     * @throws IllegalArgumentException when it isn't behind the one before, or not in the image
     */
    public Placement place(long cluster, ClusterKind kind) {
        if (cluster <= lastCluster || cluster >= geometry.clusters()) {
            throw new IllegalArgumentException("cluster " + cluster + " after cluster " + lastCluster
                    + "; expected ascending ones below " + geometry.clusters());
        }
        lastCluster = cluster;
        Optional<ByteBuffer> finished = enter((int) (cluster >>> clusterSize.tableEntriesShift()));
        int entryOffset = (int) (cluster & (clusterSize.tableEntries() - 1)) * Long.BYTES;
        return switch (kind) {
            case DATA -> {
                long hostOffsetBytes = append();
                l2.putLong(entryOffset, TableEntry.of(hostOffsetBytes));
                yield new Placement.Data(finished, hostOffsetBytes);
            }
            case ZERO -> {
                l2.putLong(entryOffset, TableEntry.ZERO);
                yield new Placement.Zero(finished);
            }
        };
    }

    /** Ends the image: what has to be appended still, and the header. */
    public ImageTail finish() {
        Optional<ByteBuffer> table = leaveTable();
        return new ImageTail(geometry, table, l1, hostClusters);
    }

    private Optional<ByteBuffer> enter(int table) {
        if (table == l2Index) {
            return Optional.empty();
        }
        Optional<ByteBuffer> finished = leaveTable();
        l2Index = table;
        l2 = ByteBuffer.allocate(clusterSize.bytes());
        return finished;
    }

    private Optional<ByteBuffer> leaveTable() {
        if (l2Index == NO_TABLE) {
            return Optional.empty();
        }
        l1[l2Index] = TableEntry.of(append());
        l2Index = NO_TABLE;
        return Optional.of(l2);
    }

    private long append() {
        return clusterSize.offsetBytes(hostClusters++);
    }
}
