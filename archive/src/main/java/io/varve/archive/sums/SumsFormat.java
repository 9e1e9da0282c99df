package io.varve.archive.sums;

import io.varve.archive.sums.ClusterSum.Kind;
import java.nio.ByteBuffer;

/**
 * The binary form of a backup's checksums; all numbers big-endian:
 *
 * <pre>
 *   header, 16 bytes                      record, 40 bytes, ascending by cluster index
 *    0  magic "VARVSUMS"                   0  u64 cluster index
 *    8  u32 version, 1                     8  u64 offset of the stored bytes in the data object
 *   12  u32 cluster size in bytes         16  u32 length of the stored bytes
 *                                         20  u32 kind: 1 data, 2 zero
 *                                         24  first 16 bytes of SHA-256 of the cluster's plain content
 * </pre>
 *
 * The count of the records follows from the object's length, so that the writer can stream. The manifest holds that
 * length and the SHA-256 of the whole. A cluster without a record is the parent's; below a full backup it's zero.
 */
public final class SumsFormat {
    public static final int HEADER_BYTES = 16;
    public static final int RECORD_BYTES = 40;
    static final long MAGIC = 0x5641525653554D53L;
    static final int VERSION = 1;

    private SumsFormat() {}

    /** Appends a header to {@code target}. */
    static void putHeader(ByteBuffer target, int clusterSizeBytes) {
        target.putLong(MAGIC).putInt(VERSION).putInt(clusterSizeBytes);
    }

    /** Refuses a header other than that of a backup with such clusters. */
    static void checkHeader(ByteBuffer source, int clusterSizeBytes) {
        long magic = source.getLong();
        int version = source.getInt();
        int size = source.getInt();
        if (magic != MAGIC || version != VERSION || size != clusterSizeBytes) {
            throw new IllegalArgumentException(String.format(
                    "it begins with %016x, version %d, clusters of %d bytes; expected %016x, version %d, %d bytes",
                    magic, version, size, MAGIC, VERSION, clusterSizeBytes));
        }
    }

    static void putRecord(ByteBuffer target, ClusterSum sum) {
        target.putLong(sum.clusterIndex()).putLong(sum.dataOffsetBytes());
        target.putInt(sum.storedBytes()).putInt(sum.kind().code());
        target.putLong(sum.digest().high()).putLong(sum.digest().low());
    }

    static ClusterSum getRecord(ByteBuffer source) {
        long clusterIndex = source.getLong();
        long dataOffsetBytes = source.getLong();
        int storedBytes = source.getInt();
        Kind kind = kind(source.getInt());
        return new ClusterSum(
                clusterIndex,
                dataOffsetBytes,
                storedBytes,
                kind,
                new ClusterDigest(source.getLong(), source.getLong()));
    }

    private static Kind kind(int code) {
        for (Kind kind : Kind.values()) {
            if (kind.code() == code) {
                return kind;
            }
        }
        throw new IllegalArgumentException("unknown kind of cluster " + code);
    }

    /** How many records an object of this length has. */
    static long count(long lengthBytes) {
        long recordsBytes = lengthBytes - HEADER_BYTES;
        if (recordsBytes < 0 || recordsBytes % RECORD_BYTES != 0) {
            throw new IllegalArgumentException("a length of " + lengthBytes + " bytes isn't a header of " + HEADER_BYTES
                    + " and records of " + RECORD_BYTES);
        }
        return recordsBytes / RECORD_BYTES;
    }
}
