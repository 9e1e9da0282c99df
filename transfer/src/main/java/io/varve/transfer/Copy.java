package io.varve.transfer;

import io.varve.archive.sums.ClusterDigest;
import io.varve.archive.sums.ClusterSum;
import io.varve.core.bits.Extent;
import io.varve.formats.qcow2.ClusterSize;
import io.varve.transfer.target.ImageWriter;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.Optional;

/**
 * One copy's loop: takes what was read, in order, and gives it to the writer and to the sums' listener.
 *
 * <p>Thread: one.
 */
final class Copy {
    /** What becomes of clusters of zeros. */
    enum Zeros {
        /** They're written as zeros, since something else would show through. */
        KEPT,
        /** Nothing is written, which reads as zeros. */
        LEFT_OUT
    }

    /** QEMU's block-copy takes no more at once, either. */
    private static final long ZEROS_AT_ONCE = 1 << 20;

    private final ClusterSize clusterSize;
    private final long sizeBytes;
    private final Zeros zeros;
    private final ImageWriter writer;
    private final SumsListener sums;
    private final ClusterDigest zeroDigest;
    private long dataClusters;
    private long zeroClusters;

    Copy(CopyJob job, Zeros zeros, ImageWriter writer, SumsListener sums) {
        clusterSize = job.geometry().clusterSize();
        sizeBytes = job.geometry().sizeBytes();
        this.zeros = zeros;
        this.writer = writer;
        this.sums = sums;
        zeroDigest = ClusterDigest.ofZeros(clusterSize.bytes());
    }

    /** Copies all that {@code steps} take. */
    void run(CopySteps steps, ReadAhead ahead, CopyControl control) throws IOException, InterruptedException {
        Optional<CopySteps.Step> next = steps.next();
        while (next.isPresent() || !ahead.isEmpty()) {
            if (next.isPresent() && ahead.hasRoom()) {
                ahead.submit(next.get());
                next = steps.next();
                continue;
            }
            switch (ahead.take()) {
                case ReadAhead.Taken.Zeros(ClusterRun run) -> zeros(run, control);
                case ReadAhead.Taken.Clusters clusters -> {
                    control.pace().await(clusters.run().bytes(clusterSize, sizeBytes));
                    write(clusters);
                    copied(clusters.run(), control);
                    ahead.recycle(clusters);
                }
            }
        }
    }

    /** In pieces, so that a long run of zeros is no faster than what is allowed. */
    private void zeros(ClusterRun run, CopyControl control) throws IOException, InterruptedException {
        long chunkClusters =
                Math.max(1, Math.min(ZEROS_AT_ONCE, control.pace().chunkBytesMax()) >> clusterSize.shift());
        for (long first = run.first(); first < run.end(); first += chunkClusters) {
            ClusterRun piece = new ClusterRun(first, Math.min(run.end(), first + chunkClusters));
            control.pace().await(piece.bytes(clusterSize, sizeBytes));
            zeros(piece.first(), piece.end());
            copied(piece, control);
        }
    }

    private void copied(ClusterRun run, CopyControl control) {
        long lengthBytes = run.bytes(clusterSize, sizeBytes);
        control.pace().copied(new Extent(clusterSize.offsetBytes(run.first()), lengthBytes));
        control.advance(lengthBytes);
    }

    ImageWriter writer() {
        return writer;
    }

    CopyTotals totals() {
        return new CopyTotals(dataClusters, zeroClusters);
    }

    private void write(ReadAhead.Taken.Clusters clusters) throws IOException, InterruptedException {
        long cluster = clusters.run().first();
        int offset = 0;
        for (ClusterContent content : clusters.contents()) {
            switch (content) {
                case ClusterContent.Zeros _ -> zeros(cluster, cluster + 1);
                case ClusterContent.Data(ClusterDigest digest) ->
                    data(cluster, clusters.bytes().slice(offset, clusterSize.bytes()), digest);
            }
            cluster++;
            offset += clusterSize.bytes();
        }
    }

    private void data(long cluster, ByteBuffer bytes, ClusterDigest digest) throws IOException, InterruptedException {
        long hostOffsetBytes = writer.data(cluster, bytes);
        dataClusters++;
        sums.stored(ClusterSum.data(cluster, hostOffsetBytes, clusterSize.bytes(), digest));
    }

    private void zeros(long first, long end) throws IOException, InterruptedException {
        switch (zeros) {
            case LEFT_OUT -> {}
            case KEPT -> {
                for (long cluster = first; cluster < end; cluster++) {
                    writer.zero(cluster);
                    zeroClusters++;
                    sums.stored(ClusterSum.zero(cluster, zeroDigest));
                }
            }
        }
    }
}
