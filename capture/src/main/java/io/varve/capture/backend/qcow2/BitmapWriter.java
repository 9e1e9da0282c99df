package io.varve.capture.backend.qcow2;

import io.varve.core.bits.HierarchicalBitSet;
import io.varve.formats.qcow2.BitmapDirectory;
import io.varve.formats.qcow2.BitmapEntry;
import io.varve.formats.qcow2.ClusterSize;
import io.varve.formats.qcow2.DriveHeader;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.List;

/** Writes bitmaps to clusters to which nothing refers yet, and knows which these are. Thread: one. */
final class BitmapWriter {
    private final ImageFile file;
    private final DriveHeader header;
    private final ClusterAllocator allocator;
    private final List<Long> taken = new ArrayList<>();

    BitmapWriter(ImageFile file, DriveHeader header, ClusterAllocator allocator) {
        this.file = file;
        this.header = header;
        this.allocator = allocator;
    }

    /** Lets all that was taken go: nothing refers to it. */
    void giveUp() {
        taken.forEach(allocator::release);
        taken.clear();
    }

    /** Something refers to it from now on, or may. */
    void keep() {
        taken.clear();
    }

    BitmapEntry write(BitmapToStore bitmap) throws IOException {
        int granularityBits = Long.numberOfTrailingZeros(bitmap.granularityBytes());
        int entries = BitmapDirectory.tableEntries(header, granularityBits);
        ByteBuffer table = ByteBuffer.allocate(entries * Long.BYTES);
        HierarchicalBitSet bits = bitmap.bits();
        long bitsPerCluster = (long) header.clusterSize().bytes() * Byte.SIZE;
        for (int index = 0; index < entries; index++) {
            long firstBit = index * bitsPerCluster;
            long next = bits.nextSet(firstBit);
            boolean isEmpty = next < 0 || next >= firstBit + bitsPerCluster;
            table.putLong(isEmpty ? 0 : writeBits(bits, firstBit));
        }
        long tableOffsetBytes = writeRun(table.flip());
        return new BitmapEntry(bitmap.name(), granularityBits, false, bitmap.isAuto(), tableOffsetBytes, entries);
    }

    /** One cluster's worth. */
    private long writeBits(HierarchicalBitSet bits, long firstBit) throws IOException {
        ByteBuffer cluster = ByteBuffer.allocate(header.clusterSize().bytes()).order(ByteOrder.LITTLE_ENDIAN);
        long word = firstBit / Long.SIZE;
        while (cluster.hasRemaining() && word < bits.wordCount()) {
            cluster.putLong(bits.word(word++));
        }
        return writeRun(cluster.clear());
    }

    /** Writes to clusters side by side; @return the first one's offset */
    long writeRun(ByteBuffer content) throws IOException {
        ClusterSize clusterSize = header.clusterSize();
        int count = (int) clusterSize.clusters(content.remaining());
        long first = count == 1 ? allocator.take() : allocator.takeRun(count);
        for (int index = 0; index < count; index++) {
            taken.add(first + index);
        }
        ByteBuffer whole = ByteBuffer.allocate(count * clusterSize.bytes());
        whole.put(content);
        file.write(clusterSize.offsetBytes(first), whole.clear());
        return clusterSize.offsetBytes(first);
    }
}
