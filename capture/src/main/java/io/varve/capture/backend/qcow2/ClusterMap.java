package io.varve.capture.backend.qcow2;

import io.varve.formats.qcow2.DriveEntry;
import io.varve.formats.qcow2.DriveHeader;
import io.varve.formats.qcow2.MetadataMap;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicLongArray;

/**
 * Where each guest cluster lies: the L1 table, and of the L2 tables a bounded number of slices. A change is in the
 * file's tables when it's seen here.
 *
 * <p>Safe for any thread; a cluster is changed only by who holds its range lock.
 */
final class ClusterMap {
    private static final int SLICE_BYTES_MAX = 4096;
    /** 16 MiB of tables, which map 128 GiB in clusters of 64 KiB. */
    private static final int SLICES_MAX = 4096;

    private final ImageFile file;
    private final DriveHeader header;
    private final MetadataMap metadata;
    private final AtomicLongArray l1;
    private final int sliceShift;
    private final ConcurrentHashMap<Long, AtomicLongArray> slices = new ConcurrentHashMap<>();
    private final Object growing = new Object();

    /** A map by the L1 table's valid entries. */
    ClusterMap(ImageFile file, DriveHeader header, long[] l1, MetadataMap metadata) {
        this.file = file;
        this.header = header;
        this.l1 = new AtomicLongArray(l1);
        this.metadata = metadata;
        int sliceBytes = Math.min(SLICE_BYTES_MAX, header.clusterSize().bytes());
        sliceShift = Integer.numberOfTrailingZeros(sliceBytes / Long.BYTES);
    }

    /**
     * The entry of a guest cluster.
     *
     * @throws IOException when it isn't valid
     */
    long entry(long cluster) throws IOException {
        AtomicLongArray slice = slices.get(cluster >>> sliceShift);
        if (slice == null) {
            if (!hasTable(cluster)) {
                return DriveEntry.UNALLOCATED;
            }
            slice = load(cluster >>> sliceShift);
        }
        long entry = slice.get(inSlice(cluster));
        if (entry == DriveEntry.INVALID) {
            throw invalid(cluster);
        }
        return entry;
    }

    /** Whether there's an L2 table for a guest cluster. */
    boolean hasTable(long cluster) {
        return l1.get(l1Index(cluster)) != 0;
    }

    /** The first guest cluster behind those of this one's L2 table. */
    long tableEnd(long cluster) {
        return (long) (l1Index(cluster) + 1) << header.clusterSize().tableEntriesShift();
    }

    /** Makes an L2 table for a guest cluster, unless there is one. */
    void makeTable(long cluster, ClusterAllocator allocator) throws IOException {
        int index = l1Index(cluster);
        if (l1.get(index) != 0) {
            return;
        }
        synchronized (growing) {
            if (l1.get(index) == 0) {
                long entry = DriveEntry.of(header.clusterSize().offsetBytes(allocator.take()));
                file.write(
                        header.l1OffsetBytes() + (long) index * Long.BYTES,
                        ByteBuffer.allocate(Long.BYTES).putLong(entry).flip());
                l1.set(index, entry);
            }
        }
    }

    /** Changes the entries of clusters of one L2 table, which exists. */
    void set(long firstCluster, long[] entries, int count) throws IOException {
        int done = 0;
        while (done < count) {
            long cluster = firstCluster + done;
            int pieceCount = Math.min(count - done, (1 << sliceShift) - inSlice(cluster));
            setInSlice(cluster, entries, done, pieceCount);
            done += pieceCount;
        }
    }

    private void setInSlice(long cluster, long[] entries, int begin, int count) throws IOException {
        ByteBuffer out = ByteBuffer.allocate(count * Long.BYTES);
        for (int index = 0; index < count; index++) {
            out.putLong(entries[begin + index]);
        }
        try {
            // The map's own lock orders this with a load of the same slice.
            slices.compute(cluster >>> sliceShift, (key, cached) -> {
                AtomicLongArray slice = cached == null ? read(key) : cached;
                write(entryOffsetBytes(cluster), out.flip());
                for (int index = 0; index < count; index++) {
                    slice.set(inSlice(cluster) + index, entries[begin + index]);
                }
                return slice;
            });
            evictBeside(cluster >>> sliceShift);
        } catch (UncheckedIOException e) {
            throw e.getCause();
        }
    }

    private AtomicLongArray load(long sliceIndex) throws IOException {
        try {
            AtomicLongArray slice = slices.computeIfAbsent(sliceIndex, this::read);
            evictBeside(sliceIndex);
            return slice;
        } catch (UncheckedIOException e) {
            throw e.getCause();
        }
    }

    /** Drops whichever comes first; in a hash table that's any. */
    private void evictBeside(long spared) {
        if (slices.mappingCount() <= SLICES_MAX) {
            return;
        }
        for (Long key : slices.keySet()) {
            if (key != spared) {
                slices.remove(key);
                return;
            }
        }
    }

    private AtomicLongArray read(long sliceIndex) {
        long firstCluster = sliceIndex << sliceShift;
        int count = 1 << sliceShift;
        ByteBuffer in = ByteBuffer.allocate(count * Long.BYTES);
        try {
            file.read(entryOffsetBytes(firstCluster), in);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        long fileBytes = file.lengthBytes();
        AtomicLongArray slice = new AtomicLongArray(count);
        for (int index = 0; index < count; index++) {
            long entry = in.getLong(index * Long.BYTES);
            boolean isValid = DriveEntry.isValid(entry, header, fileBytes) && !metadata.isHit(entry);
            slice.set(index, isValid ? entry : DriveEntry.INVALID);
        }
        return slice;
    }

    private void write(long offsetBytes, ByteBuffer data) {
        try {
            file.write(offsetBytes, data);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private IOException invalid(long cluster) throws IOException {
        ByteBuffer entry = ByteBuffer.allocate(Long.BYTES);
        file.read(entryOffsetBytes(cluster), entry);
        return file.error(String.format(
                "has the L2 entry 0x%016x for guest offset %d, expected a cluster of its own in the file's %d bytes;"
                        + " run 'qemu-img check' on it",
                entry.getLong(0), header.clusterSize().offsetBytes(cluster), file.lengthBytes()));
    }

    private long entryOffsetBytes(long cluster) {
        long inTable = cluster & (header.clusterSize().tableEntries() - 1);
        return DriveEntry.hostOffsetBytes(l1.get(l1Index(cluster))) + inTable * Long.BYTES;
    }

    private int l1Index(long cluster) {
        return (int) (cluster >>> header.clusterSize().tableEntriesShift());
    }

    private int inSlice(long cluster) {
        return (int) (cluster & ((1L << sliceShift) - 1));
    }
}
