package io.varve.formats.qcow2;

import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Optional;

/**
 * The header of an image that serves as a drive, whoever made it: version 2 or 3, with the features of others.
 *
 * @param sizeBytes what the guest sees; a positive multiple of 512
 * @param autoclear features that go when a program writes that doesn't know them
 * @param backingFormat empty when the header states none
 * @param bitmaps empty when there are none that are to be heeded
 */
public record DriveHeader(
        int version,
        ClusterSize clusterSize,
        long sizeBytes,
        long l1OffsetBytes,
        int l1Entries,
        long refcountTableOffsetBytes,
        int refcountTableClusters,
        int refcountOrder,
        int snapshots,
        long autoclear,
        Compression compression,
        Optional<String> backingName,
        Optional<String> backingFormat,
        Optional<BitmapExtension> bitmaps,
        HeaderRoom room) {
    /** What {@link #decode} needs of the file's beginning. */
    public static final int HEAD_BYTES_MAX = 65_536;

    /** Where a version 3 header keeps the autoclear features, 8 bytes. */
    public static final int AUTOCLEAR_OFFSET = HeaderFields.AUTOCLEAR_OFFSET;

    /** The autoclear feature without which bitmaps aren't to be heeded. */
    public static final long AUTOCLEAR_BITMAPS = BitmapExtension.AUTOCLEAR;

    /** Where a header keeps the refcount table's offset, 8 bytes, and behind it its clusters, 4 bytes. */
    public static final int REFCOUNT_TABLE_OFFSET = HeaderFields.REFCOUNT_TABLE_OFFSET;

    /** QEMU opens no image with a larger refcount table. */
    public static final int REFCOUNT_TABLE_BYTES_MAX = ImageGeometry.REFCOUNT_TABLE_BYTES_MAX;

    private static final int VERSION_WITH_ZEROES = 3;

    /**
     * Reads a header; what isn't understood is refused.
     *
     * @param head the file's first {@link #HEAD_BYTES_MAX} bytes, or all of a shorter file
     */
    public static Decoding<DriveHeader> decode(ByteBuffer head, long fileBytes) {
        return DriveHeaderDecoder.decode(head, fileBytes);
    }

    /** Why Varve can't write to such an image, as a clause; empty when it can. */
    public Optional<String> objectionToWriting() {
        if (snapshots != 0) {
            return Optional.of("has " + snapshots
                    + " internal snapshots, expected none; remove them by 'qemu-img snapshot -d', or attach a copy");
        }
        return refcountOrder == HeaderFields.REFCOUNT_ORDER
                ? Optional.empty()
                : Optional.of("has refcounts of " + (1 << refcountOrder)
                        + " bits, expected 16; copy it by 'qemu-img convert -O qcow2'");
    }

    /** How many bitmaps the image keeps. */
    public int bitmapCount() {
        return bitmaps.map(BitmapExtension::bitmaps).orElse(0);
    }

    /** Where the bitmap directory stands; it's in the file's bytes. */
    public long bitmapDirectoryOffsetBytes() {
        return bitmaps.map(BitmapExtension::directoryOffsetBytes).orElse(0L);
    }

    /** Bytes of the bitmap directory, at most 64 MiB. */
    public int bitmapDirectoryBytes() {
        return bitmaps.map(extension -> (int) extension.directoryBytes()).orElse(0);
    }

    /** How to make the header say where a bitmap directory stands, which does; empty when there's no room. */
    public Optional<List<HeaderWrite>> writesToKeepBitmaps(int count, int directoryBytes, long directoryOffsetBytes) {
        return room.put(new BitmapExtension(count, directoryBytes, directoryOffsetBytes), this);
    }

    /** How to make the header say that there are no bitmaps. */
    public List<HeaderWrite> writesToDropBitmaps() {
        return room.drop(this);
    }

    /**
     * How to make the header name another backing file; empty when there's no room for that.
     *
     * @param head what this was decoded from
     */
    public Optional<HeaderWrite> writeToChangeBacking(ByteBuffer head, Backing backing) {
        return BackingChange.of(head, this, backing);
    }

    /** Whether a cluster can be marked as zeros. */
    public boolean hasZeroClusters() {
        return version >= VERSION_WITH_ZEROES;
    }

    /** Entries of the L1 table that the drive's size needs; at least one, at most {@link #l1Entries}. */
    public int l2Tables() {
        return (int) l2Tables(clusterSize, sizeBytes);
    }

    byte[] backingNameBytes() {
        return backingName.orElse("").getBytes(StandardCharsets.UTF_8);
    }

    static long l2Tables(ClusterSize clusterSize, long sizeBytes) {
        return ((clusterSize.clusters(sizeBytes) - 1) >>> clusterSize.tableEntriesShift()) + 1;
    }
}
