package io.varve.formats.qcow2;

import static io.varve.formats.qcow2.HeaderChecks.unsupported;
import static io.varve.formats.qcow2.HeaderChecks.wrong;

import io.varve.formats.qcow2.HeaderChecks.RefusedException;
import io.varve.formats.qcow2.Malformed.Overlapping;
import java.nio.ByteBuffer;
import java.util.Optional;

/** Reads a {@link DriveHeader}; every number is checked before it's used. */
final class DriveHeaderDecoder {
    private static final int VERSION_2 = 2;
    private static final int VERSION_2_BYTES = 72;
    private static final int COMPRESSION_OFFSET = 104;
    private static final int SNAPSHOTS_TABLE_OFFSET = 64;
    private static final int REFCOUNT_ORDER_MAX = 6;
    private static final int SNAPSHOTS_MAX = 65_536;

    private static final long DIRTY = 1;
    private static final long CORRUPT = 1 << 1;
    private static final long DATA_FILE = 1 << 2;
    private static final long COMPRESSION = 1 << 3;
    private static final long EXTENDED_L2 = 1 << 4;

    private final HeaderChecks checks;
    private final ByteBuffer head;
    private Optional<String> format = Optional.empty();
    private Optional<Integer> bitmapsOffset = Optional.empty();
    private Optional<Integer> endOffset = Optional.empty();

    private DriveHeaderDecoder(HeaderChecks checks) {
        this.checks = checks;
        this.head = checks.head();
    }

    static Decoding<DriveHeader> decode(ByteBuffer head, long fileBytes) {
        return HeaderChecks.decode(new DriveHeaderDecoder(new HeaderChecks(head, fileBytes))::decode);
    }

    private DriveHeader decode() throws RefusedException {
        int version = version();
        ClusterSize clusterSize = checks.clusterSize();
        int encryption = head.getInt(HeaderFields.ENCRYPTION_OFFSET);
        if (encryption != 0) {
            throw unsupported("encryption, method " + Integer.toUnsignedString(encryption));
        }
        boolean isOld = version == VERSION_2;
        int headerBytes = isOld ? VERSION_2_BYTES : headerBytes(clusterSize);
        Compression compression = isOld ? Compression.DEFLATE : compression(headerBytes);
        int refcountOrder = isOld
                ? HeaderFields.REFCOUNT_ORDER
                : checks.between("refcount order", HeaderFields.REFCOUNT_ORDER_OFFSET, 0, REFCOUNT_ORDER_MAX);
        Optional<String> backing = backingName(clusterSize, headerBytes);
        int limit = Math.min(clusterSize.bytes(), head.remaining());
        int extensionsEnd = backing.isPresent() ? (int) head.getLong(HeaderFields.BACKING_OFFSET) : limit;
        readExtensions(headerBytes, extensionsEnd);
        long autoclear = isOld ? 0 : head.getLong(HeaderFields.AUTOCLEAR_OFFSET);
        boolean hasBitmaps = bitmapsOffset.isPresent() && (autoclear & BitmapExtension.AUTOCLEAR) != 0;
        long sizeBytes = sizeBytes(clusterSize);
        checkTables(clusterSize);
        return new DriveHeader(
                version,
                clusterSize,
                sizeBytes,
                head.getLong(HeaderFields.L1_OFFSET),
                head.getInt(HeaderFields.L1_ENTRIES_OFFSET),
                head.getLong(HeaderFields.REFCOUNT_TABLE_OFFSET),
                head.getInt(HeaderFields.REFCOUNT_TABLE_CLUSTERS_OFFSET),
                refcountOrder,
                snapshots(),
                autoclear,
                compression,
                backing,
                format,
                hasBitmaps ? Optional.of(bitmaps(bitmapsOffset.get(), clusterSize)) : Optional.empty(),
                new HeaderRoom(bitmapsOffset, endOffset, backing.isPresent() ? extensionsEnd : 0, limit));
    }

    private int version() throws RefusedException {
        checks.checkLength(VERSION_2_BYTES);
        checks.checkMagic();
        int version = head.getInt(HeaderFields.VERSION_OFFSET);
        if (version != VERSION_2 && version != HeaderFields.VERSION) {
            throw wrong("qcow2 version", version, "2 or 3");
        }
        if (version == HeaderFields.VERSION) {
            checks.checkLength(HeaderFields.LENGTH_BYTES_MIN);
        }
        return version;
    }

    private int headerBytes(ClusterSize clusterSize) throws RefusedException {
        int limit = Math.min(clusterSize.bytes(), head.remaining());
        int headerBytes = checks.between(
                "header length", HeaderFields.HEADER_LENGTH_OFFSET, HeaderFields.LENGTH_BYTES_MIN, limit);
        if (headerBytes % 8 != 0) {
            throw wrong("header length", headerBytes, "a multiple of 8");
        }
        return headerBytes;
    }

    private Compression compression(int headerBytes) throws RefusedException {
        long features = head.getLong(HeaderFields.INCOMPATIBLE_OFFSET);
        if ((features & DIRTY) != 0) {
            throw unsupported("the mark of a program that ended while it wrote; run 'qemu-img check -r all' before");
        }
        if ((features & CORRUPT) != 0) {
            throw unsupported("the mark of a corrupt image; run 'qemu-img check -r all' before");
        }
        if ((features & DATA_FILE) != 0) {
            throw unsupported("an external data file");
        }
        if ((features & EXTENDED_L2) != 0) {
            throw unsupported("extended L2 entries (subclusters)");
        }
        long unknown = features & ~(DIRTY | CORRUPT | DATA_FILE | EXTENDED_L2 | COMPRESSION);
        if (unknown != 0) {
            throw unsupported("unknown incompatible features, 0x" + Long.toHexString(unknown));
        }
        int type = headerBytes > COMPRESSION_OFFSET ? head.get(COMPRESSION_OFFSET) & 0xff : 0;
        boolean isMarked = (features & COMPRESSION) != 0;
        if (type > 1 || isMarked != (type != 0)) {
            throw wrong("compression type", type, isMarked ? "1 (zstd)" : "0 (zlib)");
        }
        return type == 0 ? Compression.DEFLATE : Compression.ZSTD;
    }

    private Optional<String> backingName(ClusterSize clusterSize, int headerBytes) throws RefusedException {
        long nameOffset = head.getLong(HeaderFields.BACKING_OFFSET);
        if (nameOffset == 0) {
            return Optional.empty();
        }
        int nameBytes = checks.between(
                "backing file name length", HeaderFields.BACKING_LENGTH_OFFSET, 1, Backing.NAME_BYTES_MAX);
        int limit = Math.min(clusterSize.bytes(), head.remaining()) - nameBytes;
        if (nameOffset < headerBytes || nameOffset > limit) {
            throw wrong("backing file offset", nameOffset, headerBytes + " to " + limit);
        }
        return Optional.of(checks.text("backing file name", (int) nameOffset, nameBytes));
    }

    /** Walks the extensions; those that aren't known may be ignored, as the format has it. */
    private void readExtensions(int begin, int end) throws RefusedException {
        int position = begin;
        while (end - position >= HeaderFields.EXTENSION_HEAD_BYTES) {
            int type = head.getInt(position);
            if (type == HeaderFields.EXTENSION_END) {
                endOffset = Optional.of(position);
                return;
            }
            int room = end - position - HeaderFields.EXTENSION_HEAD_BYTES;
            int lengthBytes = checks.between("header extension length", position + Integer.BYTES, 0, room);
            if (type == HeaderFields.EXTENSION_BACKING_FORMAT) {
                if (lengthBytes < 1 || lengthBytes > Backing.FORMAT_BYTES_MAX) {
                    throw wrong("backing format length", lengthBytes, "1 to " + Backing.FORMAT_BYTES_MAX);
                }
                format = Optional.of(
                        checks.text("backing format", position + HeaderFields.EXTENSION_HEAD_BYTES, lengthBytes));
            }
            if (type == BitmapExtension.TYPE) {
                if (lengthBytes != BitmapExtension.LENGTH_BYTES || bitmapsOffset.isPresent()) {
                    throw wrong(
                            "bitmaps extension length", lengthBytes, BitmapExtension.LENGTH_BYTES + ", and once only");
                }
                bitmapsOffset = Optional.of(position);
            }
            position += HeaderFields.EXTENSION_HEAD_BYTES + HeaderFields.padded(lengthBytes);
        }
    }

    private BitmapExtension bitmaps(int position, ClusterSize clusterSize) throws RefusedException {
        int begin = position + HeaderFields.EXTENSION_HEAD_BYTES;
        BitmapExtension extension = BitmapExtension.read(head, begin);
        int reserved = BitmapExtension.reserved(head, begin);
        if (reserved != 0) {
            throw wrong("reserved field of the bitmaps extension", reserved, "0");
        }
        if (extension.bitmaps() < 1 || extension.bitmaps() > BitmapLimits.BITMAPS_MAX) {
            throw wrong("bitmaps in the header", extension.bitmaps(), "1 to " + BitmapLimits.BITMAPS_MAX);
        }
        if (extension.directoryBytes() < BitmapEntry.HEAD_BYTES
                || extension.directoryBytes() > BitmapLimits.DIRECTORY_BYTES_MAX) {
            throw wrong(
                    "bitmap directory bytes",
                    extension.directoryBytes(),
                    BitmapEntry.HEAD_BYTES + " to " + BitmapLimits.DIRECTORY_BYTES_MAX);
        }
        checks.checkTable(
                "bitmap directory", extension.directoryOffsetBytes(), extension.directoryBytes(), clusterSize);
        return extension;
    }

    private long sizeBytes(ClusterSize clusterSize) throws RefusedException {
        long sizeBytes = head.getLong(HeaderFields.SIZE_OFFSET);
        if (sizeBytes <= 0 || sizeBytes % ImageGeometry.SECTOR_BYTES != 0) {
            throw wrong("virtual size", sizeBytes, "a positive multiple of " + ImageGeometry.SECTOR_BYTES);
        }
        int l1Entries = head.getInt(HeaderFields.L1_ENTRIES_OFFSET);
        long needed = DriveHeader.l2Tables(clusterSize, sizeBytes);
        int entriesMax = ImageGeometry.L1_BYTES_MAX / Long.BYTES;
        if (l1Entries < needed || l1Entries > entriesMax) {
            throw wrong("L1 entries", l1Entries, needed + " for its virtual size, and at most " + entriesMax);
        }
        return sizeBytes;
    }

    private void checkTables(ClusterSize clusterSize) throws RefusedException {
        long l1Bytes = (long) head.getInt(HeaderFields.L1_ENTRIES_OFFSET) * Long.BYTES;
        long l1Offset = head.getLong(HeaderFields.L1_OFFSET);
        checks.checkTable("L1 table", l1Offset, l1Bytes, clusterSize);
        long refcountBytes = checks.refcountTableBytes(clusterSize);
        long refcountOffset = head.getLong(HeaderFields.REFCOUNT_TABLE_OFFSET);
        checks.checkTable("refcount table", refcountOffset, refcountBytes, clusterSize);
        if (l1Offset < refcountOffset + refcountBytes && refcountOffset < l1Offset + l1Bytes) {
            throw new RefusedException(new Overlapping("the L1 table", "the refcount table", l1Offset));
        }
    }

    private int snapshots() throws RefusedException {
        int snapshots = checks.between("internal snapshots", HeaderFields.SNAPSHOTS_OFFSET, 0, SNAPSHOTS_MAX);
        long tableOffset = head.getLong(SNAPSHOTS_TABLE_OFFSET);
        if (snapshots > 0 && (tableOffset <= 0 || tableOffset % 8 != 0 || tableOffset >= checks.fileBytes())) {
            throw wrong(
                    "snapshot table offset",
                    tableOffset,
                    "a multiple of 8 in the file's " + checks.fileBytes() + " bytes");
        }
        return snapshots;
    }
}
