package io.varve.formats.qcow2;

import io.varve.formats.qcow2.Malformed.NotQcow2;
import io.varve.formats.qcow2.Malformed.Truncated;
import io.varve.formats.qcow2.Malformed.Unsupported;
import io.varve.formats.qcow2.Malformed.WrongField;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.util.Optional;

/** Reads a header; every length is checked before it's used. */
final class HeaderDecoder {
    /** A reason on its way out of the checks; never leaves this class. */
    private static final class RefusedException extends Exception {
        private final transient Malformed reason;

        RefusedException(Malformed reason) {
            super(reason.message(), null, false, false);
            this.reason = reason;
        }
    }

    private final ByteBuffer head;
    private final long fileBytes;

    private HeaderDecoder(ByteBuffer head, long fileBytes) {
        this.head = head.slice().order(ByteOrder.BIG_ENDIAN);
        this.fileBytes = fileBytes;
    }

    static Decoding<ImageHeader> decode(ByteBuffer head, long fileBytes) {
        try {
            return new Decoding.Decoded<>(new HeaderDecoder(head, fileBytes).decode());
        } catch (RefusedException e) {
            return new Decoding.Refused<>(e.reason);
        }
    }

    private ImageHeader decode() throws RefusedException {
        checkKind();
        int clusterBits = head.getInt(HeaderFields.CLUSTER_BITS_OFFSET);
        if (clusterBits < 9 || clusterBits > 21) {
            throw wrong("cluster bits", clusterBits, "9 to 21");
        }
        ClusterSize clusterSize = new ClusterSize(1 << clusterBits);
        checkFeatures();
        Optional<Backing> backing = backing(clusterSize);
        long sizeBytes = head.getLong(HeaderFields.SIZE_OFFSET);
        Optional<String> objection = ImageGeometry.objection(sizeBytes, clusterSize, backing);
        if (objection.isPresent()) {
            throw wrong("virtual size", sizeBytes, "another one, since it's " + objection.get());
        }
        return tables(new ImageGeometry(sizeBytes, clusterSize, backing));
    }

    private void checkKind() throws RefusedException {
        if (head.remaining() < HeaderFields.LENGTH_BYTES_MIN) {
            throw truncated("the header", HeaderFields.LENGTH_BYTES_MIN, head.remaining());
        }
        int magic = head.getInt(0);
        if (magic != HeaderFields.MAGIC) {
            throw new RefusedException(new NotQcow2(magic));
        }
        int version = head.getInt(HeaderFields.VERSION_OFFSET);
        if (version != HeaderFields.VERSION) {
            throw wrong("qcow2 version", version, "3 (compat=1.1)");
        }
    }

    private void checkFeatures() throws RefusedException {
        refuseUnlessZero("encryption", head.getInt(HeaderFields.ENCRYPTION_OFFSET));
        refuseUnlessZero("internal snapshots", head.getInt(HeaderFields.SNAPSHOTS_OFFSET));
        refuseUnlessZero(
                "incompatible features (dirty, corrupt, data file, compression type, extended L2)",
                head.getLong(HeaderFields.INCOMPATIBLE_OFFSET));
        refuseUnlessZero("autoclear features (bitmaps, raw data file)", head.getLong(HeaderFields.AUTOCLEAR_OFFSET));
        int refcountOrder = head.getInt(HeaderFields.REFCOUNT_ORDER_OFFSET);
        if (refcountOrder != HeaderFields.REFCOUNT_ORDER) {
            throw wrong("refcount order", refcountOrder, HeaderFields.REFCOUNT_ORDER + " (16 bits)");
        }
    }

    private static void refuseUnlessZero(String feature, long value) throws RefusedException {
        if (value != 0) {
            throw new RefusedException(new Unsupported(feature + ", 0x" + Long.toHexString(value)));
        }
    }

    private Optional<Backing> backing(ClusterSize clusterSize) throws RefusedException {
        Optional<String> format = extensions(Math.min(clusterSize.bytes(), head.remaining()));
        long nameOffset = head.getLong(HeaderFields.BACKING_OFFSET);
        if (nameOffset == 0) {
            return Optional.empty();
        }
        int nameBytes = head.getInt(HeaderFields.BACKING_LENGTH_OFFSET);
        if (nameBytes < 1 || nameBytes > Backing.NAME_BYTES_MAX) {
            throw wrong("backing file name length", nameBytes, "1 to " + Backing.NAME_BYTES_MAX);
        }
        int limit = Math.min(clusterSize.bytes(), head.remaining()) - nameBytes;
        if (nameOffset < HeaderFields.LENGTH_BYTES_MIN || nameOffset > limit) {
            throw wrong("backing file offset", nameOffset, HeaderFields.LENGTH_BYTES_MIN + " to " + limit);
        }
        if (format.isEmpty()) {
            throw new RefusedException(new Unsupported("a backing file without a format, which would be probed"));
        }
        return Optional.of(new Backing(text("backing file name", (int) nameOffset, nameBytes), format.get()));
    }

    /** Walks the extensions up to {@code limit}; gives the backing file's format. */
    private Optional<String> extensions(int limit) throws RefusedException {
        int headerBytes = head.getInt(HeaderFields.HEADER_LENGTH_OFFSET);
        if (headerBytes < HeaderFields.LENGTH_BYTES_MIN || headerBytes % 8 != 0 || headerBytes > limit) {
            throw wrong("header length", headerBytes, "a multiple of 8 from 104 to " + limit);
        }
        Optional<String> format = Optional.empty();
        int position = headerBytes;
        while (limit - position >= HeaderFields.EXTENSION_HEAD_BYTES) {
            int type = head.getInt(position);
            int lengthBytes = head.getInt(position + 4);
            if (type == HeaderFields.EXTENSION_END) {
                return format;
            }
            position += HeaderFields.EXTENSION_HEAD_BYTES;
            if (lengthBytes < 0 || lengthBytes > limit - position) {
                throw wrong("header extension length", lengthBytes, "0 to " + (limit - position));
            }
            Optional<String> found = extension(type, position, lengthBytes);
            format = found.isPresent() ? found : format;
            position += HeaderFields.padded(lengthBytes);
        }
        throw truncated("the list of header extensions", position + HeaderFields.EXTENSION_HEAD_BYTES, limit);
    }

    private Optional<String> extension(int type, int offset, int lengthBytes) throws RefusedException {
        if (type == HeaderFields.EXTENSION_FEATURE_NAMES) {
            return Optional.empty();
        }
        if (type != HeaderFields.EXTENSION_BACKING_FORMAT) {
            throw new RefusedException(new Unsupported("header extension 0x" + Integer.toHexString(type)));
        }
        if (lengthBytes < 1 || lengthBytes > Backing.FORMAT_BYTES_MAX) {
            throw wrong("backing format length", lengthBytes, "1 to " + Backing.FORMAT_BYTES_MAX);
        }
        return Optional.of(text("backing format", offset, lengthBytes));
    }

    private String text(String field, int offset, int lengthBytes) throws RefusedException {
        try {
            return StandardCharsets.UTF_8
                    .newDecoder()
                    .decode(head.slice(offset, lengthBytes))
                    .toString();
        } catch (CharacterCodingException e) {
            throw wrong(field + " at", offset, "UTF-8, but " + e.getMessage());
        }
    }

    private ImageHeader tables(ImageGeometry geometry) throws RefusedException {
        int l1Entries = head.getInt(HeaderFields.L1_ENTRIES_OFFSET);
        int entriesMax = ImageGeometry.L1_BYTES_MAX / Long.BYTES;
        if (l1Entries < geometry.l2Tables() || l1Entries > entriesMax) {
            throw wrong("L1 entries", l1Entries, geometry.l2Tables() + " to " + entriesMax);
        }
        long l1OffsetBytes = head.getLong(HeaderFields.L1_OFFSET);
        checkTable("L1 table", l1OffsetBytes, (long) l1Entries * Long.BYTES, geometry.clusterSize());
        int refcountClusters = head.getInt(HeaderFields.REFCOUNT_TABLE_CLUSTERS_OFFSET);
        long refcountBytes = (long) refcountClusters << geometry.clusterSize().shift();
        if (refcountClusters < 1
                || refcountBytes
                        > Math.max(
                                ImageGeometry.REFCOUNT_TABLE_BYTES_MAX,
                                geometry.clusterSize().bytes())) {
            throw wrong("refcount table clusters", refcountClusters, "1 or more, and at most 8 MiB of them");
        }
        long refcountOffsetBytes = head.getLong(HeaderFields.REFCOUNT_TABLE_OFFSET);
        checkTable("refcount table", refcountOffsetBytes, refcountBytes, geometry.clusterSize());
        return new ImageHeader(geometry, l1OffsetBytes, l1Entries, refcountOffsetBytes, refcountClusters);
    }

    private void checkTable(String table, long offsetBytes, long lengthBytes, ClusterSize clusterSize)
            throws RefusedException {
        if (offsetBytes < clusterSize.bytes() || !clusterSize.isAligned(offsetBytes)) {
            throw wrong(table + " offset", offsetBytes, "a multiple of the cluster size, behind the header");
        }
        if (lengthBytes > fileBytes - offsetBytes) {
            throw truncated("the " + table + " at " + offsetBytes, lengthBytes, Math.max(0, fileBytes - offsetBytes));
        }
    }

    private static RefusedException wrong(String field, long actual, String expected) {
        return new RefusedException(new WrongField(field, actual, expected));
    }

    private static RefusedException truncated(String structure, long expectedBytes, long actualBytes) {
        return new RefusedException(new Truncated(structure, expectedBytes, actualBytes));
    }
}
