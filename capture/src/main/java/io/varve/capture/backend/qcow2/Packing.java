package io.varve.capture.backend.qcow2;

import com.github.luben.zstd.Zstd;
import io.varve.formats.qcow2.Compression;
import java.util.Arrays;
import java.util.Optional;
import java.util.zip.Deflater;

/** Packs clusters. */
final class Packing {
    private static final int ZSTD_LEVEL = 3;

    private Packing() {}

    /** The packed cluster; empty when it doesn't become smaller. */
    static Optional<byte[]> pack(Compression compression, byte[] cluster) {
        return switch (compression) {
            case DEFLATE -> deflate(cluster);
            case ZSTD ->
                Optional.of(Zstd.compress(cluster, ZSTD_LEVEL)).filter(packed -> packed.length < cluster.length);
        };
    }

    private static Optional<byte[]> deflate(byte[] cluster) {
        Deflater deflater = new Deflater(Deflater.DEFAULT_COMPRESSION, true);
        try {
            deflater.setInput(cluster);
            deflater.finish();
            byte[] packed = new byte[cluster.length - 1];
            int count = 0;
            while (!deflater.finished() && count < packed.length) {
                count += deflater.deflate(packed, count, packed.length - count);
            }
            return deflater.finished() ? Optional.of(Arrays.copyOf(packed, count)) : Optional.empty();
        } finally {
            deflater.end();
        }
    }
}
