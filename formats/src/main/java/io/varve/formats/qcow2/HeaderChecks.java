package io.varve.formats.qcow2;

import io.varve.formats.qcow2.Malformed.NotQcow2;
import io.varve.formats.qcow2.Malformed.Truncated;
import io.varve.formats.qcow2.Malformed.Unsupported;
import io.varve.formats.qcow2.Malformed.WrongField;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;

/** The checks that every reader of a header makes before it uses a number (QEMU's docs/interop/qcow2.txt, "Header"). */
final class HeaderChecks {
    private static final int CLUSTER_BITS_MIN = 9;
    private static final int CLUSTER_BITS_MAX = 21;

    private final ByteBuffer head;
    private final long fileBytes;

    /** @param head the file's beginning, one cluster of it at most is needed */
    HeaderChecks(ByteBuffer head, long fileBytes) {
        this.head = head.slice().order(ByteOrder.BIG_ENDIAN);
        this.fileBytes = fileBytes;
    }

    /** A reason on its way out of the checks; never leaves this package. */
    static final class RefusedException extends Exception {
        private static final long serialVersionUID = 1L;

        private final transient Malformed reason;

        RefusedException(Malformed reason) {
            super(reason.message(), null, false, false);
            this.reason = reason;
        }
    }

    /** What reads a header. */
    interface Reading<T> {
        T read() throws RefusedException;
    }

    static <T> Decoding<T> decode(Reading<T> reading) {
        try {
            return new Decoding.Decoded<>(reading.read());
        } catch (RefusedException e) {
            return new Decoding.Refused<>(e.reason);
        }
    }

    /** The file's beginning, big-endian. */
    ByteBuffer head() {
        return head;
    }

    long fileBytes() {
        return fileBytes;
    }

    void checkLength(int lengthBytes) throws RefusedException {
        if (head.remaining() < lengthBytes) {
            throw truncated("the header", lengthBytes, head.remaining());
        }
    }

    void checkMagic() throws RefusedException {
        int magic = head.getInt(0);
        if (magic != HeaderFields.MAGIC) {
            throw new RefusedException(new NotQcow2(magic));
        }
    }

    ClusterSize clusterSize() throws RefusedException {
        return new ClusterSize(
                1 << between("cluster bits", HeaderFields.CLUSTER_BITS_OFFSET, CLUSTER_BITS_MIN, CLUSTER_BITS_MAX));
    }

    /** The 32 bits at {@code offset}, within both bounds. */
    int between(String field, int offset, int min, int max) throws RefusedException {
        int value = head.getInt(offset);
        if (value < min || value > max) {
            throw wrong(field, value, min + " to " + max);
        }
        return value;
    }

    /** Text in UTF-8; the caller has checked that it's there. */
    String text(String field, int offset, int lengthBytes) throws RefusedException {
        try {
            return StandardCharsets.UTF_8
                    .newDecoder()
                    .decode(head.slice(offset, lengthBytes))
                    .toString();
        } catch (CharacterCodingException e) {
            throw wrong(field + " at", offset, "UTF-8, but " + e.getMessage());
        }
    }

    /** The bytes of the refcount table, whose place isn't checked yet. */
    long refcountTableBytes(ClusterSize clusterSize) throws RefusedException {
        int clusters = head.getInt(HeaderFields.REFCOUNT_TABLE_CLUSTERS_OFFSET);
        long lengthBytes = (long) clusters << clusterSize.shift();
        if (clusters < 1 || lengthBytes > Math.max(ImageGeometry.REFCOUNT_TABLE_BYTES_MAX, clusterSize.bytes())) {
            throw wrong("refcount table clusters", clusters, "1 or more, and at most 8 MiB of them");
        }
        return lengthBytes;
    }

    /** That a table lies in the file, behind the header, on a cluster's bound. */
    void checkTable(String table, long offsetBytes, long lengthBytes, ClusterSize clusterSize) throws RefusedException {
        if (offsetBytes < clusterSize.bytes() || !clusterSize.isAligned(offsetBytes)) {
            throw wrong(table + " offset", offsetBytes, "a multiple of the cluster size, behind the header");
        }
        if (lengthBytes > fileBytes - offsetBytes) {
            throw truncated("the " + table + " at " + offsetBytes, lengthBytes, Math.max(0, fileBytes - offsetBytes));
        }
    }

    static RefusedException wrong(String field, long actual, String expected) {
        return new RefusedException(new WrongField(field, actual, expected));
    }

    static RefusedException unsupported(String feature) {
        return new RefusedException(new Unsupported(feature));
    }

    static RefusedException truncated(String structure, long expectedBytes, long actualBytes) {
        return new RefusedException(new Truncated(structure, expectedBytes, actualBytes));
    }
}
