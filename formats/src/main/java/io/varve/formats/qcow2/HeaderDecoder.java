package io.varve.formats.qcow2;

import static io.varve.formats.qcow2.HeaderChecks.truncated;
import static io.varve.formats.qcow2.HeaderChecks.unsupported;
import static io.varve.formats.qcow2.HeaderChecks.wrong;

import io.varve.formats.qcow2.HeaderChecks.RefusedException;
import java.nio.ByteBuffer;
import java.util.Optional;

/** Reads a header; every length is checked before it's used. */
final class HeaderDecoder {
    private final HeaderChecks checks;
    private final ByteBuffer head;

    private HeaderDecoder(HeaderChecks checks) {
        this.checks = checks;
        this.head = checks.head();
    }

    static Decoding<ImageHeader> decode(ByteBuffer head, long fileBytes) {
        return HeaderChecks.decode(new HeaderDecoder(new HeaderChecks(head, fileBytes))::decode);
    }

    private ImageHeader decode() throws RefusedException {
        checkKind();
        ClusterSize clusterSize = checks.clusterSize();
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
        checks.checkLength(HeaderFields.LENGTH_BYTES_MIN);
        checks.checkMagic();
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
            throw unsupported(feature + ", 0x" + Long.toHexString(value));
        }
    }

    private Optional<Backing> backing(ClusterSize clusterSize) throws RefusedException {
        Optional<String> format = extensions(Math.min(clusterSize.bytes(), head.remaining()));
        long nameOffset = head.getLong(HeaderFields.BACKING_OFFSET);
        if (nameOffset == 0) {
            return Optional.empty();
        }
        int nameBytes = checks.between(
                "backing file name length", HeaderFields.BACKING_LENGTH_OFFSET, 1, Backing.NAME_BYTES_MAX);
        int limit = Math.min(clusterSize.bytes(), head.remaining()) - nameBytes;
        if (nameOffset < HeaderFields.LENGTH_BYTES_MIN || nameOffset > limit) {
            throw wrong("backing file offset", nameOffset, HeaderFields.LENGTH_BYTES_MIN + " to " + limit);
        }
        if (format.isEmpty()) {
            throw unsupported("a backing file without a format, which would be probed");
        }
        return Optional.of(new Backing(checks.text("backing file name", (int) nameOffset, nameBytes), format.get()));
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
            throw unsupported("header extension 0x" + Integer.toHexString(type));
        }
        if (lengthBytes < 1 || lengthBytes > Backing.FORMAT_BYTES_MAX) {
            throw wrong("backing format length", lengthBytes, "1 to " + Backing.FORMAT_BYTES_MAX);
        }
        return Optional.of(checks.text("backing format", offset, lengthBytes));
    }

    private ImageHeader tables(ImageGeometry geometry) throws RefusedException {
        int l1Entries = head.getInt(HeaderFields.L1_ENTRIES_OFFSET);
        int entriesMax = ImageGeometry.L1_BYTES_MAX / Long.BYTES;
        if (l1Entries < geometry.l2Tables() || l1Entries > entriesMax) {
            throw wrong("L1 entries", l1Entries, geometry.l2Tables() + " to " + entriesMax);
        }
        long l1OffsetBytes = head.getLong(HeaderFields.L1_OFFSET);
        checks.checkTable("L1 table", l1OffsetBytes, (long) l1Entries * Long.BYTES, geometry.clusterSize());
        int refcountClusters = head.getInt(HeaderFields.REFCOUNT_TABLE_CLUSTERS_OFFSET);
        long refcountBytes = checks.refcountTableBytes(geometry.clusterSize());
        long refcountOffsetBytes = head.getLong(HeaderFields.REFCOUNT_TABLE_OFFSET);
        checks.checkTable("refcount table", refcountOffsetBytes, refcountBytes, geometry.clusterSize());
        return new ImageHeader(geometry, l1OffsetBytes, l1Entries, refcountOffsetBytes, refcountClusters);
    }
}
