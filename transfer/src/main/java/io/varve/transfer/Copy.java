package io.varve.transfer;

import io.varve.archive.sums.ClusterDigest;
import io.varve.archive.sums.ClusterSum;
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
                case ReadAhead.Taken.Zeros(ClusterRun run) -> {
                    zeros(run.first(), run.end());
                    control.advance(run.bytes(clusterSize, sizeBytes));
                }
                case ReadAhead.Taken.Clusters clusters -> {
                    write(clusters);
                    control.advance(clusters.run().bytes(clusterSize, sizeBytes));
                    ahead.recycle(clusters);
                }
            }
        }
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
