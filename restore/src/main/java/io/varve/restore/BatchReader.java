package io.varve.restore;

import io.varve.archive.DamagedArchiveException;
import io.varve.archive.Manifest;
import io.varve.archive.sums.ClusterDigest;
import io.varve.archive.sums.ClusterSum;
import io.varve.restore.merge.Segment;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;

/** Reads a batch, checks each cluster, then writes it (I11). Safe for any thread. */
final class BatchReader {
    private final Chain chain;
    private final FileChannel target;

    BatchReader(Chain chain, FileChannel target) {
        this.chain = chain;
        this.target = target;
    }

    /** Reads all of {@code batch} into {@code buffer}, which is large enough, and from there writes the target. */
    void read(Batch batch, ByteBuffer buffer) throws IOException {
        Manifest manifest = chain.manifest(batch.layer());
        buffer.clear().limit(batch.lengthBytes());
        chain.store().read(manifest.data().key(), batch.startBytes(), buffer);
        for (Segment segment : batch.segments()) {
            ClusterSum sum = segment.sum();
            ByteBuffer cluster = buffer.slice((int) (sum.dataOffsetBytes() - batch.startBytes()), sum.storedBytes());
            check(manifest, sum, cluster);
            int skippedBytes = (int) (segment.offsetBytes() - segment.clusterOffsetBytes());
            write(cluster.slice(skippedBytes, (int) segment.lengthBytes()), segment.offsetBytes());
        }
    }

    private void check(Manifest manifest, ClusterSum sum, ByteBuffer cluster) throws DamagedArchiveException {
        int sizeBytes = manifest.image().clusterSizeBytes();
        if (cluster.remaining() != sizeBytes) {
            throw damaged(manifest, sum, "it's stored in " + cluster.remaining() + " bytes; expected " + sizeBytes);
        }
        if (!ClusterDigest.of(cluster).equals(sum.digest())) {
            throw damaged(manifest, sum, "its checksum differs");
        }
    }

    private DamagedArchiveException damaged(Manifest manifest, ClusterSum sum, String reason) {
        return new DamagedArchiveException("cluster " + sum.clusterIndex() + " of drive "
                + manifest.name().drive() + " is damaged in '" + manifest.data().key() + "' in "
                + chain.store().describe() + " at byte " + sum.dataOffsetBytes() + ": " + reason
                + "; nothing was restored, try another sync point");
    }

    private void write(ByteBuffer bytes, long offsetBytes) throws IOException {
        long position = offsetBytes;
        while (bytes.hasRemaining()) {
            position += target.write(bytes, position);
        }
    }
}
