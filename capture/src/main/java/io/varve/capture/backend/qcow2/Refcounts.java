package io.varve.capture.backend.qcow2;

import io.varve.formats.nbd.NbdError;
import io.varve.formats.qcow2.ClusterSize;
import io.varve.formats.qcow2.DriveHeader;
import io.varve.formats.qcow2.MetadataMap;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.Map;

/**
 * How often each host cluster is referred to: a table of blocks of 16-bit counts, of which a bounded number is kept.
 * What changes is in the file at once.
 *
 * <p>Thread: guarded by the allocator's lock.
 */
final class Refcounts {
    private static final int CACHE_BYTES_MAX = 16 << 20;
    private static final int COUNT_BYTES = Short.BYTES;
    private static final int COUNT_MAX = 0xffff;
    private static final float LOAD_FACTOR = 0.75f;

    private final ImageFile file;
    private final ClusterSize clusterSize;
    private final MetadataMap metadata;
    private final int perBlockShift;
    private final int blocksMax;
    private final LinkedHashMap<Integer, ByteBuffer> blocks = new LinkedHashMap<>(16, LOAD_FACTOR, true);
    private long tableOffsetBytes;
    private long[] table;

    Refcounts(ImageFile file, DriveHeader header, long[] table, MetadataMap metadata) {
        this.file = file;
        this.clusterSize = header.clusterSize();
        this.metadata = metadata;
        this.table = table;
        tableOffsetBytes = header.refcountTableOffsetBytes();
        perBlockShift = Integer.numberOfTrailingZeros(clusterSize.refcountsPerBlock());
        blocksMax = Math.max(4, CACHE_BYTES_MAX / clusterSize.bytes());
    }

    /** Whether the count of a host cluster has a place; it's 0 when it hasn't. */
    boolean covers(long cluster) {
        long index = cluster >>> perBlockShift;
        return index < table.length && table[(int) index] != 0;
    }

    /** The count of a cluster that has one. */
    int get(long cluster) throws IOException {
        return block((int) (cluster >>> perBlockShift)).getShort(inBlock(cluster)) & 0xffff;
    }

    /** Adds {@code delta} to the counts of clusters, each of which has one; {@code sorted} may repeat some. */
    void add(long[] sorted, int count, int delta) throws IOException {
        int done = 0;
        while (done < count) {
            int index = (int) (sorted[done] >>> perBlockShift);
            int end = done;
            while (end < count && sorted[end] >>> perBlockShift == index) {
                end++;
            }
            addInBlock(index, Arrays.copyOfRange(sorted, done, end), delta);
            done = end;
        }
    }

    private void addInBlock(int index, long[] sorted, int delta) throws IOException {
        ByteBuffer block = block(index);
        int begin = inBlock(sorted[0]);
        int end = inBlock(sorted[sorted.length - 1]) + COUNT_BYTES;
        byte[] before = new byte[end - begin];
        block.get(begin, before);
        for (long cluster : sorted) {
            int value = (block.getShort(inBlock(cluster)) & 0xffff) + delta;
            if (value < 0 || value > COUNT_MAX) {
                block.put(begin, before);
                throw file.error("counts host cluster " + cluster + " wrongly (" + (value - delta)
                        + " references); run 'qemu-img check -r all' on it");
            }
            block.putShort(inBlock(cluster), (short) value);
        }
        try {
            file.write(table[index] + begin, block.slice(begin, end - begin));
        } catch (IOException e) {
            block.put(begin, before);
            throw e;
        }
    }

    /**
     * Gives the counts of {@code cluster} and its neighbours a place, in free clusters from {@code cluster} on.
     *
     * @param cluster isn't {@link #covers covered}
     * @return the first cluster behind those that were taken
     */
    long cover(long cluster) throws IOException {
        if (cluster >>> perBlockShift >= table.length) {
            return growTable((long) table.length << perBlockShift);
        }
        int index = (int) (cluster >>> perBlockShift);
        ByteBuffer block = ByteBuffer.allocate(clusterSize.bytes());
        block.putShort(inBlock(cluster), (short) 1);
        writeCluster(cluster, block);
        file.sync();
        long offsetBytes = clusterSize.offsetBytes(cluster);
        ByteBuffer entry = ByteBuffer.allocate(Long.BYTES).putLong(offsetBytes).flip();
        file.write(tableOffsetBytes + (long) index * Long.BYTES, entry);
        table[index] = offsetBytes;
        keep(index, block);
        return cluster + 1;
    }

    /** A table twice as large, from {@code begin} on, where the counts end; and behind it the blocks that count it. */
    private long growTable(long begin) throws IOException {
        int tableClusters = 2 * (int) clusterSize.clusters((long) table.length * Long.BYTES);
        if ((long) tableClusters << clusterSize.shift() > DriveHeader.REFCOUNT_TABLE_BYTES_MAX) {
            throw file.failed(NbdError.ENOSPC, "is as large as its cluster size allows");
        }
        int blockClusters = 0;
        while ((long) blockClusters << perBlockShift < tableClusters + blockClusters) {
            blockClusters++;
        }
        long[] larger = Arrays.copyOf(table, tableClusters << clusterSize.tableEntriesShift());
        long firstBlock = begin + tableClusters;
        for (int index = 0; index < blockClusters; index++) {
            larger[table.length + index] = clusterSize.offsetBytes(firstBlock + index);
            ByteBuffer block = ByteBuffer.allocate(clusterSize.bytes());
            long counted = (long) tableClusters + blockClusters - ((long) index << perBlockShift);
            for (int count = 0; count < Math.min(counted, 1L << perBlockShift); count++) {
                block.putShort((short) 1);
            }
            writeCluster(firstBlock + index, block.clear());
        }
        for (int index = 0; index < tableClusters; index++) {
            ByteBuffer out = ByteBuffer.allocate(clusterSize.bytes());
            int first = index << clusterSize.tableEntriesShift();
            for (int entry = 0; entry < clusterSize.tableEntries(); entry++) {
                out.putLong(larger[first + entry]);
            }
            writeCluster(begin + index, out.flip());
        }
        file.sync();
        switchTo(begin, tableClusters, larger);
        return firstBlock + blockClusters;
    }

    private void switchTo(long begin, int tableClusters, long[] larger) throws IOException {
        ByteBuffer fields = ByteBuffer.allocate(Long.BYTES + Integer.BYTES)
                .putLong(clusterSize.offsetBytes(begin))
                .putInt(tableClusters)
                .flip();
        file.write(DriveHeader.REFCOUNT_TABLE_OFFSET, fields);
        file.sync();
        long oldFirst = tableOffsetBytes >>> clusterSize.shift();
        long[] old = new long[(int) clusterSize.clusters((long) table.length * Long.BYTES)];
        Arrays.setAll(old, index -> oldFirst + index);
        table = larger;
        tableOffsetBytes = clusterSize.offsetBytes(begin);
        add(old, old.length, -1);
    }

    private void writeCluster(long cluster, ByteBuffer content) throws IOException {
        checkUnused(cluster);
        file.write(clusterSize.offsetBytes(cluster), content.duplicate());
    }

    /** A cluster that counts as free must not be one that's known to be in use. */
    void checkUnused(long cluster) throws IOException {
        if (metadata.holds(cluster)) {
            throw file.error("counts host cluster " + cluster
                    + " as free, where its tables stand; run 'qemu-img check -r all' on it");
        }
    }

    private ByteBuffer block(int index) throws IOException {
        ByteBuffer block = blocks.get(index);
        if (block == null) {
            if (index >= table.length || table[index] == 0) {
                throw file.error("doesn't count host cluster " + ((long) index << perBlockShift)
                        + " and those behind it, which are in use; run 'qemu-img check -r all' on it");
            }
            block = ByteBuffer.allocate(clusterSize.bytes());
            file.read(table[index], block);
            block.clear();
            keep(index, block);
        }
        return block;
    }

    private void keep(int index, ByteBuffer block) {
        blocks.put(index, block);
        if (blocks.size() > blocksMax) {
            Map.Entry<Integer, ByteBuffer> eldest = blocks.firstEntry();
            blocks.remove(eldest.getKey());
        }
    }

    private int inBlock(long cluster) {
        return (int) (cluster & ((1L << perBlockShift) - 1)) * COUNT_BYTES;
    }
}
