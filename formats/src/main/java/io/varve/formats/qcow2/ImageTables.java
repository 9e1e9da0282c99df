package io.varve.formats.qcow2;

import io.varve.formats.qcow2.Malformed.Truncated;
import io.varve.formats.qcow2.Malformed.Unsupported;
import io.varve.formats.qcow2.Malformed.WrongEntry;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/** Reads the L1 and L2 tables of one image, strictly. Who asks reads the bytes at the offsets that it's told. */
public final class ImageTables {
    private static final long NO_FLAGS = 0;

    private final ImageGeometry geometry;
    private final long fileBytes;

    /** Tables of an image whose file has {@code fileBytes}. */
    public ImageTables(ImageGeometry geometry, long fileBytes) {
        this.geometry = geometry;
        this.fileBytes = fileBytes;
    }

    /** Bytes of the L1 table that hold what the geometry needs; they stand at the header's offset. */
    public int l1Bytes() {
        return geometry.l2Tables() * Long.BYTES;
    }

    /**
     * The host offset of every L2 table, 0 for one that there isn't.
     *
     * @param table {@link #l1Bytes} bytes from the L1 table's beginning
     */
    public Decoding<long[]> decodeL1(ByteBuffer table) {
        if (table.remaining() < l1Bytes()) {
            return new Decoding.Refused<>(new Truncated("the L1 table", l1Bytes(), table.remaining()));
        }
        ByteBuffer in = table.slice().order(ByteOrder.BIG_ENDIAN);
        long[] offsets = new long[geometry.l2Tables()];
        for (int index = 0; index < offsets.length; index++) {
            long entry = in.getLong();
            if (!TableEntry.isPlain(entry, NO_FLAGS) || !isCluster(TableEntry.hostOffsetBytes(entry))) {
                return new Decoding.Refused<>(new WrongEntry("the L1 table", index, entry, expected()));
            }
            offsets[index] = TableEntry.hostOffsetBytes(entry);
        }
        return new Decoding.Decoded<>(offsets);
    }

    /** The cluster that an L2 table begins with. */
    public long firstCluster(int l2Table) {
        return (long) l2Table << geometry.clusterSize().tableEntriesShift();
    }

    /**
     * What an L2 table says of its clusters; the last table's list ends with the image.
     *
     * @param l2Table its index in the L1 table
     * @param table one cluster, from the table's host offset
     */
    public Decoding<List<ClusterEntry>> decodeL2(int l2Table, ByteBuffer table) {
        int clusterBytes = geometry.clusterSize().bytes();
        if (table.remaining() < clusterBytes) {
            return new Decoding.Refused<>(new Truncated("L2 table " + l2Table, clusterBytes, table.remaining()));
        }
        ByteBuffer in = table.slice().order(ByteOrder.BIG_ENDIAN);
        long inImage = geometry.clusters() - firstCluster(l2Table);
        List<ClusterEntry> clusters = new ArrayList<>();
        for (int index = 0; index < geometry.clusterSize().tableEntries(); index++) {
            long entry = in.getLong();
            Optional<Malformed> reason = objection(l2Table, index, entry, inImage);
            if (reason.isPresent()) {
                return new Decoding.Refused<>(reason.get());
            }
            if (index < inImage) {
                clusters.add(cluster(entry));
            }
        }
        return new Decoding.Decoded<>(clusters);
    }

    private Optional<Malformed> objection(int l2Table, int index, long entry, long inImage) {
        if (TableEntry.isCompressed(entry)) {
            return Optional.of(new Unsupported("a compressed cluster, " + (firstCluster(l2Table) + index)));
        }
        boolean isWrong = !TableEntry.isPlain(entry, TableEntry.ZERO) || !isCluster(TableEntry.hostOffsetBytes(entry));
        if (isWrong) {
            return Optional.of(new WrongEntry("L2 table " + l2Table, index, entry, expected()));
        }
        if (index >= inImage && entry != TableEntry.UNALLOCATED) {
            return Optional.of(new WrongEntry("L2 table " + l2Table, index, entry, "0 behind the image's end"));
        }
        return Optional.empty();
    }

    private static ClusterEntry cluster(long entry) {
        if (TableEntry.isZero(entry)) {
            return ClusterEntry.ZERO;
        }
        long hostOffsetBytes = TableEntry.hostOffsetBytes(entry);
        return hostOffsetBytes == 0 ? ClusterEntry.UNALLOCATED : new ClusterEntry.Data(hostOffsetBytes);
    }

    /** Is it 0, or the offset of a cluster that the file holds wholly? */
    private boolean isCluster(long hostOffsetBytes) {
        return hostOffsetBytes == 0
                || (geometry.clusterSize().isAligned(hostOffsetBytes)
                        && hostOffsetBytes <= fileBytes - geometry.clusterSize().bytes());
    }

    private String expected() {
        return "0, or the aligned offset of a cluster in the file's " + fileBytes + " bytes, with its copied flag";
    }
}
