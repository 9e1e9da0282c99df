package io.varve.capture.backend.qcow2;

import io.varve.capture.backend.Backend;
import io.varve.capture.backend.BackendAccess;
import io.varve.formats.qcow2.Decoding;
import io.varve.formats.qcow2.DriveEntry;
import io.varve.formats.qcow2.DriveHeader;
import io.varve.formats.qcow2.MetadataMap;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;

/**
 * An image whose header and tables were found in order.
 *
 * @param allocator empty when it's open for reading only
 * @param backing what shows through; empty for zeros
 */
record OpenedImage(
        ImageFile file,
        DriveHeader header,
        ClusterMap map,
        MetadataMap metadata,
        Optional<ClusterAllocator> allocator,
        Optional<Backend> backing,
        UnpackedClusters unpacked) {

    /**
     * Opens the last image of a chain.
     *
     * @throws IOException in one sentence; nothing is open then
     */
    static OpenedImage open(List<Path> chain, BackendAccess access, BackingRule.Opener below) throws IOException {
        return open(ImageFile.open(chain.getLast(), access), chain, access, below);
    }

    /** Opens the last image of a chain, which lies in {@code file}; closes that when it can't. */
    static OpenedImage open(ImageFile file, List<Path> chain, BackendAccess access, BackingRule.Opener below)
            throws IOException {
        try {
            DriveHeader header = header(file);
            if (access == BackendAccess.READ_WRITE
                    && header.objectionToWriting().isPresent()) {
                throw file.error(header.objectionToWriting().get());
            }
            long[] l1 = l1(file, header, access);
            long[] blocks = access == BackendAccess.READ_WRITE ? refcountTable(file, header) : new long[0];
            MetadataMap metadata = value(file, MetadataMap.of(header, offsets(l1), blocks));
            Optional<ClusterAllocator> allocator = access == BackendAccess.READ_WRITE
                    ? Optional.of(new ClusterAllocator(
                            file, header.clusterSize(), new Refcounts(file, header, blocks, metadata)))
                    : Optional.empty();
            ClusterMap map = new ClusterMap(file, header, l1, metadata);
            return new OpenedImage(
                    file,
                    header,
                    map,
                    metadata,
                    allocator,
                    below.open(chain, header),
                    new UnpackedClusters(header.clusterSize().bytes()));
        } catch (IOException | RuntimeException e) {
            file.close();
            throw e;
        }
    }

    static DriveHeader header(ImageFile file) throws IOException {
        ByteBuffer head = ByteBuffer.allocate((int) Math.min(DriveHeader.HEAD_BYTES_MAX, file.lengthBytes()));
        file.read(0, head);
        return value(file, DriveHeader.decode(head.flip(), file.lengthBytes()));
    }

    private static long[] l1(ImageFile file, DriveHeader header, BackendAccess access) throws IOException {
        long[] l1 = table(file, header.l1OffsetBytes(), header.l2Tables());
        for (int index = 0; index < l1.length; index++) {
            if (!DriveEntry.isValidTable(l1[index], header, file.lengthBytes())) {
                throw wrongEntry(file, "L1", index, l1[index]);
            }
            boolean isShared = l1[index] != 0 && !DriveEntry.isCopied(l1[index]);
            if (isShared && access == BackendAccess.READ_WRITE) {
                throw file.error("shares L2 table " + index + " with a snapshot that it hasn't;"
                        + " run 'qemu-img check -r all' on it before it's written to");
            }
        }
        return l1;
    }

    private static long[] refcountTable(ImageFile file, DriveHeader header) throws IOException {
        int entries = header.refcountTableClusters() << header.clusterSize().tableEntriesShift();
        long[] table = table(file, header.refcountTableOffsetBytes(), entries);
        for (int index = 0; index < entries; index++) {
            // It has no copied flag.
            if (table[index] < 0 || !DriveEntry.isValidTable(table[index], header, file.lengthBytes())) {
                throw wrongEntry(file, "refcount table", index, table[index]);
            }
        }
        return table;
    }

    private static IOException wrongEntry(ImageFile file, String table, int index, long entry) {
        return file.error(String.format(
                "has 0x%016x as entry %d of its %s, expected 0 or the aligned offset of a cluster in its %d bytes;"
                        + " run 'qemu-img check' on it",
                entry, index, table, file.lengthBytes()));
    }

    private static long[] table(ImageFile file, long offsetBytes, int entries) throws IOException {
        ByteBuffer in = ByteBuffer.allocate(entries * Long.BYTES);
        file.read(offsetBytes, in);
        long[] table = new long[entries];
        in.flip().asLongBuffer().get(table);
        return table;
    }

    private static long[] offsets(long[] l1) {
        long[] offsets = l1.clone();
        for (int index = 0; index < offsets.length; index++) {
            offsets[index] = DriveEntry.hostOffsetBytes(offsets[index]);
        }
        return offsets;
    }

    private static <T> T value(ImageFile file, Decoding<T> decoding) throws IOException {
        return switch (decoding) {
            case Decoding.Decoded<T>(T value) -> value;
            case Decoding.Refused<T>(var reason) -> throw file.error(reason);
        };
    }

    long clusterOf(long offsetBytes) {
        return offsetBytes >>> header.clusterSize().shift();
    }

    int clusterBytes() {
        return header.clusterSize().bytes();
    }

    /** Fills {@code into} with what a range of one guest cluster holds by its entry. */
    void readCluster(long entry, long offsetBytes, ByteBuffer into) throws IOException {
        int inCluster = (int) (offsetBytes & (clusterBytes() - 1));
        switch (DriveEntry.kind(entry)) {
            case UNALLOCATED -> readBacking(offsetBytes, into);
            case ZERO -> Zeroes.fill(into);
            case DATA -> file.read(DriveEntry.hostOffsetBytes(entry) + inCluster, into);
            case COMPRESSED ->
                into.put(unpacked.get(entry, () -> unpack(entry, offsetBytes)), inCluster, into.remaining());
        }
    }

    private byte[] unpack(long entry, long offsetBytes) throws IOException {
        long hostOffsetBytes = DriveEntry.compressedOffsetBytes(entry, header.clusterSize());
        byte[] packed = new byte[DriveEntry.compressedBytes(entry, header.clusterSize())];
        file.read(hostOffsetBytes, ByteBuffer.wrap(packed));
        try {
            return Decompression.unpack(header.compression(), packed, clusterBytes());
        } catch (IOException e) {
            throw file.error("has a compressed cluster for guest offset " + offsetBytes + ", at " + hostOffsetBytes
                    + " in the file, which " + e.getMessage());
        }
    }

    /** Behind the backing file's end there are zeros. */
    private void readBacking(long offsetBytes, ByteBuffer into) throws IOException {
        if (backing.isPresent()) {
            long inBacking = Math.clamp(backing.get().sizeBytes() - offsetBytes, 0, into.remaining());
            int limit = into.limit();
            into.limit(into.position() + (int) inBacking);
            if (inBacking > 0) {
                backing.get().read(offsetBytes, into);
            }
            into.limit(limit);
        }
        Zeroes.fill(into);
    }

    /** Whether a cluster reads as zeros by its entry. */
    boolean isZero(long entry) {
        return switch (DriveEntry.kind(entry)) {
            case ZERO -> true;
            case UNALLOCATED -> backing.isEmpty();
            case DATA, COMPRESSED -> false;
        };
    }

    void close() throws IOException {
        try (file) {
            if (backing.isPresent()) {
                backing.get().close();
            }
        }
    }
}
