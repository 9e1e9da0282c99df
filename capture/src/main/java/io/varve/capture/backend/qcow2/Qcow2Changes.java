package io.varve.capture.backend.qcow2;

import io.varve.capture.backend.RequestFailedException;
import io.varve.capture.backend.ZeroMode;
import io.varve.formats.nbd.NbdError;
import io.varve.formats.qcow2.ClusterSize;
import io.varve.formats.qcow2.DriveEntry;
import io.varve.formats.qcow2.DriveEntry.Kind;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Optional;

/**
 * What changes an image.
 *
 * <p>Safe for any thread that holds the gate. What only changes bytes in place takes no lock.
 */
final class Qcow2Changes {
    private final OpenedImage image;
    private final ClusterAllocator allocator;
    private final RangeLocks ranges = new RangeLocks();
    private final Object first = new Object();
    private final ImageBitmaps bitmaps;
    private volatile boolean changed;
    private volatile boolean begun;

    Qcow2Changes(OpenedImage image, ClusterAllocator allocator, ImageBitmaps bitmaps) {
        this.image = image;
        this.allocator = allocator;
        this.bitmaps = bitmaps;
    }

    /** Whether anything was changed since the image was opened. */
    boolean isChanged() {
        return changed;
    }

    /** Before the first change: what's kept in the image about its content is durably marked as outdated. */
    void beginChange() throws IOException {
        if (begun) {
            return;
        }
        synchronized (first) {
            if (!begun) {
                changed = true;
                bitmaps.beginChange(allocator);
                begun = true;
            }
        }
    }

    /** The bitmaps were changed, by a caller who has the image for itself: the next change outdates them again. */
    void bitmapsChanged() {
        changed = true;
        begun = false;
    }

    /** Writes what remains of {@code data}, which is at most a few clusters. */
    void write(long offsetBytes, ByteBuffer data) throws IOException {
        beginChange();
        int end = data.limit();
        long position = offsetBytes;
        while (data.position() < end) {
            long entry = image.map().entry(image.clusterOf(position));
            int begin = data.position();
            if (DriveEntry.isWritable(entry)) {
                int runBytes = ClusterRuns.bytes(image, entry, position, end - begin);
                data.limit(begin + runBytes);
                int inCluster = (int) (position & (image.clusterBytes() - 1));
                image.file().write(DriveEntry.hostOffsetBytes(entry) + inCluster, data);
                data.limit(end);
            } else {
                data.limit(begin + newRunBytes(position, end - begin));
                writeNew(position, data);
                data.limit(end);
            }
            position += data.position() - begin;
        }
    }

    /** Bytes up to the next cluster that can be written in place, or that another L2 table maps. */
    private int newRunBytes(long offsetBytes, int lengthBytes) throws IOException {
        long cluster = image.clusterOf(offsetBytes);
        int run = image.clusterBytes() - (int) (offsetBytes & (image.clusterBytes() - 1));
        long tableEnd = image.map().tableEnd(cluster);
        while (run < lengthBytes
                && ++cluster < tableEnd
                && !DriveEntry.isWritable(image.map().entry(cluster))) {
            run += image.clusterBytes();
        }
        return Math.min(run, lengthBytes);
    }

    /** Writes to clusters of one L2 table that had no place of their own when the caller looked. */
    private void writeNew(long offsetBytes, ByteBuffer data) throws IOException {
        long firstCluster = image.clusterOf(offsetBytes);
        long endCluster = image.clusterOf(offsetBytes + data.remaining() - 1) + 1;
        try (var _ = ranges.lock(firstCluster, endCluster)) {
            NewClusters run = new NewClusters(image, allocator, firstCluster, (int) (endCluster - firstCluster));
            try {
                run.fill(offsetBytes, data);
            } catch (IOException | RuntimeException e) {
                run.giveUp();
                throw e;
            }
            run.link();
        }
    }

    /**
     * Makes a range zero.
     *
     * @param lengthBytes ends with the last of those clusters whose entries are changed at once, or before
     */
    void zero(long offsetBytes, long lengthBytes, ZeroMode mode) throws IOException {
        beginChange();
        int clusterBytes = image.clusterBytes();
        long position = offsetBytes;
        long end = offsetBytes + lengthBytes;
        while (position < end) {
            long cluster = image.clusterOf(position);
            long clusterEnd = (cluster + 1) << image.header().clusterSize().shift();
            if (isWhole(position, end)) {
                long wholeEnd = endOfWhole(end);
                zeroWhole(cluster, image.clusterOf(wholeEnd + clusterBytes - 1), mode);
                position = wholeEnd;
            } else {
                long pieceEnd = Math.min(clusterEnd, end);
                if (!image.isZero(image.map().entry(cluster))) {
                    write(position, ByteBuffer.allocate((int) (pieceEnd - position)));
                }
                position = pieceEnd;
            }
        }
    }

    /** Whether the range from {@code position} covers its first cluster; the drive's last may be cut short. */
    private boolean isWhole(long position, long end) {
        int clusterBytes = image.clusterBytes();
        boolean isAligned = (position & (clusterBytes - 1)) == 0;
        return isAligned
                && (end - position >= clusterBytes || end == image.header().sizeBytes());
    }

    private long endOfWhole(long end) {
        return end == image.header().sizeBytes() ? end : end & -image.clusterBytes();
    }

    /** Makes clusters zero, all of one slice. */
    private void zeroWhole(long begin, long end, ZeroMode mode) throws IOException {
        if (!canMark(mode)) {
            writeZeroes(begin, end);
            return;
        }
        change(begin, end, entry -> {
            if (image.isZero(entry) && !(mode.mayPunch() && DriveEntry.hostOffsetBytes(entry) != 0)) {
                return entry;
            }
            boolean isKept = !mode.mayPunch() && DriveEntry.isWritable(entry);
            return isKept ? DriveEntry.zeroAt(DriveEntry.hostOffsetBytes(entry)) : zeroEntry();
        });
    }

    /** Whether the tables can say that a cluster is zero. */
    private boolean canMark(ZeroMode mode) {
        return image.header().hasZeroClusters() || (image.backing().isEmpty() && mode.mayPunch());
    }

    private long zeroEntry() {
        return image.header().hasZeroClusters() ? DriveEntry.ZERO : DriveEntry.UNALLOCATED;
    }

    private void writeZeroes(long begin, long end) throws IOException {
        for (long cluster = begin; cluster < end; cluster++) {
            long offsetBytes = image.header().clusterSize().offsetBytes(cluster);
            if (!image.isZero(image.map().entry(cluster))) {
                int count = (int) Math.min(image.clusterBytes(), image.header().sizeBytes() - offsetBytes);
                write(offsetBytes, ByteBuffer.allocate(count));
            }
        }
    }

    /**
     * Looks whether a range can be made zero without writing zeroes.
     *
     * @throws RequestFailedException ENOTSUP when it can't
     */
    void checkFast(long offsetBytes, long lengthBytes, ZeroMode mode) throws IOException {
        long end = offsetBytes + lengthBytes;
        boolean isHeadWhole = isWhole(offsetBytes, end);
        boolean isTailWhole = end == image.header().sizeBytes() || (end & (image.clusterBytes() - 1)) == 0;
        boolean isFast = canMark(mode)
                && (isHeadWhole || image.isZero(image.map().entry(image.clusterOf(offsetBytes))))
                && (isTailWhole || image.isZero(image.map().entry(image.clusterOf(end - 1))));
        if (!isFast) {
            throw image.file()
                    .failed(
                            NbdError.ENOTSUP,
                            "has clusters of " + image.clusterBytes()
                                    + " bytes, and a part of one can't be made zero faster than by writing");
        }
    }

    /** Gives the space of the whole clusters of a range back; they read as zeros then, or as before. */
    void trim(long offsetBytes, long lengthBytes) throws IOException {
        int clusterBytes = image.clusterBytes();
        long end = offsetBytes + lengthBytes;
        long begin = image.clusterOf(offsetBytes + clusterBytes - 1);
        long endCluster = image.clusterOf(endOfWhole(end) + clusterBytes - 1);
        boolean canTrim = image.header().hasZeroClusters() || image.backing().isEmpty();
        if (begin < endCluster && canTrim) {
            beginChange();
            change(begin, endCluster, entry -> {
                if (image.backing().isEmpty()) {
                    return entry == DriveEntry.ZERO ? entry : DriveEntry.UNALLOCATED;
                }
                return DriveEntry.ZERO;
            });
        }
    }

    /**
     * Compresses clusters that hold data, where that makes them smaller; by a caller who has the image for itself. What
     * they read as stays the same.
     */
    void pack(long[] clusters) throws IOException {
        beginChange();
        Map<Long, Long> packed = new LinkedHashMap<>();
        try (PackedPlaces places = new PackedPlaces(image, allocator)) {
            for (long cluster : clusters) {
                Optional<Long> entry = packed(cluster, places);
                if (entry.isPresent()) {
                    packed.put(cluster, entry.get());
                }
            }
        }
        if (packed.isEmpty()) {
            return;
        }
        // What the tables are to refer to is there, and counted.
        image.file().sync();
        for (Map.Entry<Long, Long> each : packed.entrySet()) {
            long before = image.map().entry(each.getKey());
            image.map().set(each.getKey(), new long[] {each.getValue()}, 1);
            NewClusters.release(image, allocator, before);
        }
    }

    private Optional<Long> packed(long cluster, PackedPlaces places) throws IOException {
        long entry = image.map().entry(cluster);
        if (DriveEntry.kind(entry) != Kind.DATA) {
            return Optional.empty();
        }
        byte[] whole = new byte[image.clusterBytes()];
        ClusterSize clusterSize = image.header().clusterSize();
        image.readCluster(entry, clusterSize.offsetBytes(cluster), ByteBuffer.wrap(whole));
        Optional<byte[]> packed = Packing.pack(image.header().compression(), whole);
        if (packed.isEmpty()) {
            return Optional.empty();
        }
        long hostOffsetBytes = places.take(packed.get().length);
        image.file().write(hostOffsetBytes, ByteBuffer.wrap(packed.get()));
        return Optional.of(DriveEntry.compressed(hostOffsetBytes, packed.get().length, clusterSize));
    }

    /** What becomes of an entry. */
    private interface EntryChange {
        long of(long entry);
    }

    /** Changes the entries of [begin, end), all of one slice, and lets go what only the old ones referred to. */
    private void change(long begin, long end, EntryChange change) throws IOException {
        try (var _ = ranges.lock(begin, end)) {
            int count = (int) (end - begin);
            long[] before = new long[count];
            long[] after = new long[count];
            boolean isSame = true;
            for (int index = 0; index < count; index++) {
                before[index] = image.map().entry(begin + index);
                after[index] = change.of(before[index]);
                isSame &= before[index] == after[index];
            }
            if (isSame) {
                return;
            }
            image.map().makeTable(begin, allocator);
            image.map().set(begin, after, count);
            for (int index = 0; index < count; index++) {
                if (DriveEntry.hostOffsetBytes(before[index]) != DriveEntry.hostOffsetBytes(after[index])
                        || DriveEntry.kind(before[index]) == Kind.COMPRESSED) {
                    NewClusters.release(image, allocator, before[index]);
                }
            }
        }
    }
}
