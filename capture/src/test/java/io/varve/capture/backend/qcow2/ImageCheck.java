package io.varve.capture.backend.qcow2;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.varve.formats.qcow2.ClusterSize;
import io.varve.formats.qcow2.Decoding;
import io.varve.formats.qcow2.DriveEntry;
import io.varve.formats.qcow2.DriveEntry.Kind;
import io.varve.formats.qcow2.DriveHeader;
import java.nio.ByteBuffer;
import java.util.HashMap;
import java.util.Map;

/** Counts an image's references by itself, as {@code qemu-img check} does; leaks are allowed. */
final class ImageCheck {
    private static final long OFFSET_MASK = 0x00fffffffffffe00L;

    private final ByteBuffer image;
    private final DriveHeader header;
    private final ClusterSize clusterSize;
    private final Map<Long, Integer> references = new HashMap<>();

    private ImageCheck(byte[] bytes) {
        image = ByteBuffer.wrap(bytes);
        ByteBuffer head = image.slice(0, Math.min(bytes.length, DriveHeader.HEAD_BYTES_MAX));
        header = switch (DriveHeader.decode(head, bytes.length)) {
            case Decoding.Decoded<DriveHeader>(DriveHeader value) -> value;
            case Decoding.Refused<DriveHeader>(var reason) -> throw new AssertionError(reason.message());
        };
        clusterSize = header.clusterSize();
    }

    /** Fails unless every cluster is counted at least as often as it's referred to, and flagged rightly. */
    static void assertLeaksAtMost(byte[] bytes) {
        ImageCheck check = new ImageCheck(bytes);
        check.refer(0, clusterBytes(check));
        check.refer(check.header.l1OffsetBytes(), (long) check.header.l1Entries() * Long.BYTES);
        check.referTables();
        check.referRefcounts();
        check.references.forEach((cluster, count) -> assertTrue(
                check.refcount(cluster) >= count,
                () -> "host cluster " + cluster + " is counted " + check.refcount(cluster) + " times, referred to "
                        + count + " times"));
    }

    private static long clusterBytes(ImageCheck check) {
        return check.clusterSize.bytes();
    }

    private void refer(long offsetBytes, long lengthBytes) {
        long last = (offsetBytes + lengthBytes - 1) >>> clusterSize.shift();
        for (long cluster = offsetBytes >>> clusterSize.shift(); cluster <= last; cluster++) {
            references.merge(cluster, 1, Integer::sum);
        }
    }

    private void referTables() {
        for (int index = 0; index < header.l1Entries(); index++) {
            long l1Entry = number(header.l1OffsetBytes() + (long) index * Long.BYTES);
            if (l1Entry != 0) {
                long tableBytes = DriveEntry.hostOffsetBytes(l1Entry);
                refer(tableBytes, clusterSize.bytes());
                checkFlag(l1Entry);
                for (int entry = 0; entry < clusterSize.tableEntries(); entry++) {
                    referCluster(number(tableBytes + (long) entry * Long.BYTES));
                }
            }
        }
    }

    private void referCluster(long entry) {
        if (DriveEntry.kind(entry) == Kind.COMPRESSED) {
            refer(DriveEntry.compressedOffsetBytes(entry, clusterSize), DriveEntry.compressedBytes(entry, clusterSize));
        } else if (DriveEntry.hostOffsetBytes(entry) != 0) {
            refer(DriveEntry.hostOffsetBytes(entry), clusterSize.bytes());
            checkFlag(entry);
        }
    }

    private void checkFlag(long entry) {
        long cluster = DriveEntry.hostOffsetBytes(entry) >>> clusterSize.shift();
        assertEquals(
                DriveEntry.isCopied(entry),
                refcount(cluster) == 1,
                () -> "the copied flag of host cluster " + cluster + ", which is counted " + refcount(cluster)
                        + " times");
    }

    private void referRefcounts() {
        int entries = header.refcountTableClusters() << clusterSize.tableEntriesShift();
        refer(header.refcountTableOffsetBytes(), (long) header.refcountTableClusters() << clusterSize.shift());
        for (int index = 0; index < entries; index++) {
            long block = number(header.refcountTableOffsetBytes() + (long) index * Long.BYTES);
            if (block != 0) {
                refer(block & OFFSET_MASK, clusterSize.bytes());
            }
        }
    }

    private int refcount(long cluster) {
        long index = cluster / clusterSize.refcountsPerBlock();
        if (index >= (long) header.refcountTableClusters() << clusterSize.tableEntriesShift()) {
            return 0;
        }
        long block = number(header.refcountTableOffsetBytes() + index * Long.BYTES);
        int place = (int) (block + cluster % clusterSize.refcountsPerBlock() * Short.BYTES);
        return block == 0 || place + Short.BYTES > image.limit() ? 0 : image.getShort(place) & 0xffff;
    }

    /** Behind the file's end there are zeros. */
    private long number(long offsetBytes) {
        return offsetBytes + Long.BYTES > image.limit() ? 0 : image.getLong((int) offsetBytes);
    }
}
