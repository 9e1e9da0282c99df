package io.varve.formats.qcow2;

import java.util.Optional;

/**
 * Where a header's fields stand (qcow2.txt, "Header"); big-endian.
 *
 * <pre>
 *   0 magic "QFI\xfb"            4 version (3)
 *   8 backing file offset       16 backing file name length   20 cluster bits
 *  24 virtual size              32 encryption method          36 L1 entries
 *  40 L1 offset                 48 refcount table offset      56 refcount table clusters
 *  60 snapshots                 64 snapshot table offset
 *  72 incompatible features     80 compatible features        88 autoclear features
 *  96 refcount order            100 header length             104 compression type, 7 bytes padding
 * 112 extensions: type, length, data padded to 8 bytes; the last has type 0
 *     backing file name, no terminator
 * </pre>
 */
final class HeaderFields {
    static final int MAGIC = 0x514649fb;
    static final int VERSION = 3;
    static final int VERSION_OFFSET = 4;
    static final int BACKING_OFFSET = 8;
    static final int BACKING_LENGTH_OFFSET = 16;
    static final int CLUSTER_BITS_OFFSET = 20;
    static final int SIZE_OFFSET = 24;
    static final int ENCRYPTION_OFFSET = 32;
    static final int L1_ENTRIES_OFFSET = 36;
    static final int L1_OFFSET = 40;
    static final int REFCOUNT_TABLE_OFFSET = 48;
    static final int REFCOUNT_TABLE_CLUSTERS_OFFSET = 56;
    static final int SNAPSHOTS_OFFSET = 60;
    static final int INCOMPATIBLE_OFFSET = 72;
    static final int AUTOCLEAR_OFFSET = 88;
    static final int REFCOUNT_ORDER_OFFSET = 96;
    static final int HEADER_LENGTH_OFFSET = 100;

    /** 16-bit refcounts: 2 to the 4th. */
    static final int REFCOUNT_ORDER = 4;

    static final int LENGTH_BYTES = 112;
    /** A version 3 header without the compression type, as before QEMU 5.1. */
    static final int LENGTH_BYTES_MIN = 104;

    static final int EXTENSION_END = 0;
    static final int EXTENSION_BACKING_FORMAT = 0xe2792aca;
    static final int EXTENSION_FEATURE_NAMES = 0x6803f857;
    static final int EXTENSION_HEAD_BYTES = 8;

    private HeaderFields() {}

    /** Bytes of the header, its extensions and the backing file's name. */
    static int lengthBytes(Optional<Backing> backing) {
        return backing.map(image -> nameOffset(image) + image.nameBytes().length)
                .orElse(LENGTH_BYTES + EXTENSION_HEAD_BYTES);
    }

    /** The name follows the backing format and the extensions' end. */
    static int nameOffset(Backing backing) {
        return LENGTH_BYTES + 2 * EXTENSION_HEAD_BYTES + padded(backing.formatBytes().length);
    }

    /** The next multiple of 8. */
    static int padded(int lengthBytes) {
        return (lengthBytes + 7) & ~7;
    }
}
