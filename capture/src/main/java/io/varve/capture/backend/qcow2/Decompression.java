package io.varve.capture.backend.qcow2;

import com.github.luben.zstd.ZstdInputStreamNoFinalizer;
import io.varve.formats.qcow2.Compression;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.util.zip.DataFormatException;
import java.util.zip.Inflater;

/** Unpacks compressed clusters. */
final class Decompression {
    /** No cluster is larger than 2 MiB, so no honest stream looks back farther. */
    private static final int ZSTD_WINDOW_LOG_MAX = 22;

    private Decompression() {}

    /**
     * Unpacks one cluster.
     *
     * @param packed may go on behind the compressed bytes
     * @throws IOException as a clause, when it isn't exactly {@code clusterBytes} long or isn't packed so
     */
    static byte[] unpack(Compression compression, byte[] packed, int clusterBytes) throws IOException {
        byte[] cluster = new byte[clusterBytes];
        int count = switch (compression) {
            case DEFLATE -> inflate(packed, cluster);
            case ZSTD -> unpackZstd(packed, cluster);
        };
        if (count != clusterBytes) {
            throw new IOException("unpacks to " + count + " bytes, expected " + clusterBytes);
        }
        return cluster;
    }

    private static int inflate(byte[] packed, byte[] into) throws IOException {
        Inflater inflater = new Inflater(true);
        try {
            inflater.setInput(packed);
            int count = 0;
            while (count < into.length) {
                int more = inflater.inflate(into, count, into.length - count);
                if (more == 0) {
                    break;
                }
                count += more;
            }
            return count;
        } catch (DataFormatException e) {
            throw new IOException("isn't a deflate stream: " + e.getMessage(), e);
        } finally {
            inflater.end();
        }
    }

    private static int unpackZstd(byte[] packed, byte[] into) throws IOException {
        try (ZstdInputStreamNoFinalizer stream = new ZstdInputStreamNoFinalizer(new ByteArrayInputStream(packed))) {
            stream.setLongMax(ZSTD_WINDOW_LOG_MAX);
            return stream.readNBytes(into, 0, into.length);
        } catch (IOException e) {
            throw new IOException("isn't a zstd stream: " + e.getMessage(), e);
        }
    }
}
