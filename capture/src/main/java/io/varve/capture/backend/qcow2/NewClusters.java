package io.varve.capture.backend.qcow2;

import io.varve.formats.qcow2.ClusterSize;
import io.varve.formats.qcow2.DriveEntry;
import io.varve.formats.qcow2.DriveEntry.Kind;
import java.io.IOException;
import java.nio.ByteBuffer;

/**
 * A write to neighbouring guest clusters, of which some get another place in the file.
 *
 * <p>Thread: one, which holds the clusters' range lock.
 */
final class NewClusters {
    private final OpenedImage image;
    private final ClusterAllocator allocator;
    private final long firstCluster;
    private final long[] before;
    private final long[] after;
    private boolean hasCopies;

    NewClusters(OpenedImage image, ClusterAllocator allocator, long firstCluster, int count) throws IOException {
        this.image = image;
        this.allocator = allocator;
        this.firstCluster = firstCluster;
        before = new long[count];
        for (int index = 0; index < count; index++) {
            before[index] = image.map().entry(firstCluster + index);
        }
        after = before.clone();
    }

    /** Writes the data, to where nothing refers yet or where it may be written in place. */
    void fill(long offsetBytes, ByteBuffer data) throws IOException {
        image.map().makeTable(firstCluster, allocator);
        int end = data.limit();
        long position = offsetBytes;
        for (int index = 0; index < before.length; index++) {
            int inCluster = (int) (position & (image.clusterBytes() - 1));
            int pieceBytes = Math.min(image.clusterBytes() - inCluster, end - data.position());
            data.limit(data.position() + pieceBytes);
            fillOne(index, inCluster, data);
            data.limit(end);
            position += pieceBytes;
        }
        if (hasCopies) {
            image.file().sync();
        }
    }

    private void fillOne(int index, int inCluster, ByteBuffer data) throws IOException {
        long entry = before[index];
        if (DriveEntry.isWritable(entry)) {
            // Somebody else has made it so since.
            image.file().write(DriveEntry.hostOffsetBytes(entry) + inCluster, data);
            return;
        }
        long hostOffsetBytes = isKeptZero(entry)
                ? DriveEntry.hostOffsetBytes(entry)
                : image.header().clusterSize().offsetBytes(allocator.take());
        after[index] = DriveEntry.of(hostOffsetBytes);
        // A new cluster reads as zeros, so what it's to hold beside the data is there.
        if (image.isZero(entry) && !isKeptZero(entry)) {
            image.file().write(hostOffsetBytes + inCluster, data);
            return;
        }
        hasCopies = true;
        if (data.remaining() == image.clusterBytes()) {
            image.file().write(hostOffsetBytes, data);
            return;
        }
        ByteBuffer whole = ByteBuffer.allocate(image.clusterBytes());
        image.readCluster(entry, image.header().clusterSize().offsetBytes(firstCluster + index), whole);
        whole.put(inCluster, data, data.position(), data.remaining());
        data.position(data.limit());
        image.file().write(hostOffsetBytes, whole.flip());
    }

    /** Whether it reads as zeros, and has a place that isn't shared. */
    private static boolean isKeptZero(long entry) {
        return DriveEntry.kind(entry) == Kind.ZERO && DriveEntry.isCopied(entry);
    }

    /** Makes the tables refer to the new places, and lets the old ones go. */
    void link() throws IOException {
        image.map().set(firstCluster, after, after.length);
        for (int index = 0; index < before.length; index++) {
            if (isMoved(index)) {
                release(image, allocator, before[index]);
            }
        }
    }

    /** Lets the new places go, to which nothing refers. */
    void giveUp() {
        for (int index = 0; index < before.length; index++) {
            if (isMoved(index)) {
                release(image, allocator, after[index]);
            }
        }
    }

    private boolean isMoved(int index) {
        return before[index] != after[index] && !isKeptZero(before[index]);
    }

    /** Lets go what an entry refers to that isn't in the tables any more. */
    static void release(OpenedImage image, ClusterAllocator allocator, long entry) {
        ClusterSize clusterSize = image.header().clusterSize();
        if (DriveEntry.kind(entry) == Kind.COMPRESSED) {
            // Each cluster that a compressed one touches counts it; whole sectors are touched.
            long begin = DriveEntry.compressedOffsetBytes(entry, clusterSize);
            long last = begin + DriveEntry.compressedBytes(entry, clusterSize) - 1;
            for (long cluster = begin >>> clusterSize.shift(); cluster <= last >>> clusterSize.shift(); cluster++) {
                allocator.release(cluster);
            }
        } else if (DriveEntry.hostOffsetBytes(entry) != 0) {
            allocator.release(DriveEntry.hostOffsetBytes(entry) >>> clusterSize.shift());
        }
    }
}
