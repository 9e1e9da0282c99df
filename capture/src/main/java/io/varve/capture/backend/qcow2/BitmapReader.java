package io.varve.capture.backend.qcow2;

import io.varve.core.bits.HierarchicalBitSet;
import io.varve.formats.qcow2.BitmapDirectory;
import io.varve.formats.qcow2.BitmapEntry;
import io.varve.formats.qcow2.BitmapLimits;
import io.varve.formats.qcow2.ClusterSize;
import io.varve.formats.qcow2.Decoding;
import io.varve.formats.qcow2.DriveHeader;
import io.varve.formats.qcow2.MetadataMap;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.Arrays;
import java.util.List;
import java.util.stream.LongStream;

/** Reads the bitmaps that an image keeps; everything is checked before it's used. Thread: one. */
final class BitmapReader {
    /** 32 TiB in granules of 64 KiB; a small file can claim any size. */
    static final long BITS_MAX = 1L << 29;

    /** 32 MiB of tables. */
    static final long TABLE_ENTRIES_MAX = 1L << 22;

    private final ImageFile file;
    private final DriveHeader header;
    private final MetadataMap metadata;

    BitmapReader(ImageFile file, DriveHeader header, MetadataMap metadata) {
        this.file = file;
        this.header = header;
        this.metadata = metadata;
    }

    /** @throws IOException also when the directory isn't valid */
    List<BitmapEntry> entries() throws IOException {
        if (header.bitmapCount() == 0) {
            return List.of();
        }
        ByteBuffer bytes = ByteBuffer.allocate(header.bitmapDirectoryBytes());
        file.read(header.bitmapDirectoryOffsetBytes(), bytes);
        return switch (BitmapDirectory.decode(bytes.flip(), header, file.lengthBytes())) {
            case Decoding.Decoded<BitmapDirectory>(BitmapDirectory directory) -> directory.entries();
            case Decoding.Refused<BitmapDirectory>(var reason) -> throw file.error(reason);
        };
    }

    HierarchicalBitSet bits(BitmapEntry entry) throws IOException {
        long bitCount = BitmapLimits.bits(header, entry.granularityBits());
        if (bitCount > BITS_MAX) {
            throw file.error("has the bitmap '" + entry.name() + "' of " + bitCount + " bits, expected at most "
                    + BITS_MAX + "; remove it, and make one with a larger granularity");
        }
        HierarchicalBitSet bits = HierarchicalBitSet.ofHeap(bitCount);
        long bitsPerCluster = (long) header.clusterSize().bytes() * Byte.SIZE;
        long[] table = table(entry);
        ByteBuffer cluster = ByteBuffer.allocate(header.clusterSize().bytes()).order(ByteOrder.LITTLE_ENDIAN);
        for (int index = 0; index < table.length; index++) {
            long firstBit = index * bitsPerCluster;
            long endBit = Math.min(bitCount, firstBit + bitsPerCluster);
            if (table[index] == BitmapEntry.ALL_ONES) {
                bits.set(firstBit, endBit);
            } else if (table[index] != 0) {
                file.read(BitmapEntry.offsetBytes(table[index]), cluster.clear());
                addBits(cluster, firstBit, endBit, bits);
            }
        }
        return bits;
    }

    /** Bits behind the end, which should be zero, are ignored. */
    private static void addBits(ByteBuffer cluster, long firstBit, long endBit, HierarchicalBitSet bits) {
        for (long wordBit = firstBit; wordBit < endBit; wordBit += Long.SIZE) {
            long word = cluster.getLong((int) ((wordBit - firstBit) / Byte.SIZE));
            while (word != 0) {
                int from = Long.numberOfTrailingZeros(word);
                int length = Long.numberOfTrailingZeros(~(word >>> from));
                long begin = wordBit + from;
                if (begin < endBit) {
                    bits.set(begin, Math.min(endBit, begin + length));
                }
                word = from + length >= Long.SIZE ? 0 : word & (-1L << (from + length));
            }
        }
    }

    /** A bitmap's table, whose entries are valid. */
    private long[] table(BitmapEntry bitmap) throws IOException {
        ByteBuffer in = ByteBuffer.allocate(bitmap.tableEntries() * Long.BYTES);
        file.read(bitmap.tableOffsetBytes(), in);
        long[] table = new long[bitmap.tableEntries()];
        in.flip().asLongBuffer().get(table);
        for (int index = 0; index < table.length; index++) {
            long cluster = BitmapEntry.offsetBytes(table[index])
                    >>> header.clusterSize().shift();
            if (!BitmapEntry.isValid(table[index], header, file.lengthBytes())
                    || (cluster != 0 && metadata.holds(cluster))) {
                throw file.error(String.format(
                        "has 0x%016x as entry %d of the bitmap '%s', expected a cluster of its own in the file's %d"
                                + " bytes; run 'qemu-img check' on it",
                        table[index], index, bitmap.name(), file.lengthBytes()));
            }
        }
        return table;
    }

    /**
     * The host clusters of bitmaps' tables and bits, sorted.
     *
     * @throws IOException also when two share one, or there are too many
     */
    long[] clusters(List<BitmapEntry> bitmaps) throws IOException {
        ClusterSize clusterSize = header.clusterSize();
        long entries = bitmaps.stream().mapToLong(BitmapEntry::tableEntries).sum();
        if (entries > TABLE_ENTRIES_MAX) {
            throw file.error("keeps bitmaps of " + entries + " clusters, expected at most " + TABLE_ENTRIES_MAX
                    + "; remove some by 'qemu-img bitmap --remove'");
        }
        LongStream.Builder all = LongStream.builder();
        for (BitmapEntry bitmap : bitmaps) {
            run(bitmap.tableOffsetBytes(), (long) bitmap.tableEntries() * Long.BYTES)
                    .forEach(all::add);
            Arrays.stream(table(bitmap))
                    .map(entry -> BitmapEntry.offsetBytes(entry) >>> clusterSize.shift())
                    .filter(cluster -> cluster != 0)
                    .forEach(all::add);
        }
        long[] sorted = all.build().sorted().toArray();
        for (int index = 1; index < sorted.length; index++) {
            if (sorted[index] == sorted[index - 1]) {
                throw file.error("has bitmaps that share the cluster at " + clusterSize.offsetBytes(sorted[index])
                        + " bytes, expected one of its own for each; run 'qemu-img check' on it");
            }
        }
        return sorted;
    }

    /** The host clusters of the directory. */
    long[] directoryClusters() {
        return header.bitmapCount() == 0
                ? new long[0]
                : run(header.bitmapDirectoryOffsetBytes(), header.bitmapDirectoryBytes())
                        .toArray();
    }

    private LongStream run(long offsetBytes, long lengthBytes) {
        long first = offsetBytes >>> header.clusterSize().shift();
        return LongStream.range(first, first + header.clusterSize().clusters(lengthBytes));
    }
}
