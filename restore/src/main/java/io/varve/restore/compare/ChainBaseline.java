package io.varve.restore.compare;

import io.varve.archive.Manifest;
import io.varve.archive.store.ObjectStore;
import io.varve.archive.sums.ClusterDigest;
import io.varve.archive.sums.ClusterSum;
import io.varve.core.bits.Extent;
import io.varve.core.commit.ManifestRef;
import io.varve.restore.Chain;
import io.varve.restore.merge.MergedClusters;
import io.varve.restore.merge.Segment;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.function.Consumer;

/**
 * A drive at a sync point of the archive, known by its clusters' checksums: its data isn't read. What no backup of the
 * chain has is zeros, and so is what lies behind the drive's end at the sync point. A part of a cluster whose rest a
 * newer backup replaced counts as differing, since a checksum is of the whole.
 */
public final class ChainBaseline implements Baseline {
    private static final int RANGE_BYTES_MIN = 512 << 10;
    private static final int ZEROS_BYTES = 64 << 10;

    private final Chain chain;
    private final MergedClusters merged;
    private final int rangeBytes;
    private Optional<Segment> next;

    /** A part of a range, and the sum that it must have; zeros when there's none. */
    private record Piece(Extent extent, Optional<Expected> expected) {}

    /** A cluster's sum; {@code isWhole} unless only a part of the cluster counts. */
    private record Expected(ClusterSum sum, int clusterBytes, boolean isWhole) {}

    private ChainBaseline(Chain chain) throws IOException {
        this.chain = chain;
        this.merged = chain.merged();
        this.next = merged.next();
        int largestBytes = RANGE_BYTES_MIN;
        for (int layer = 0; layer < chain.size(); layer++) {
            largestBytes = Math.max(largestBytes, chain.manifest(layer).image().clusterSizeBytes());
        }
        this.rangeBytes = largestBytes;
    }

    /** Reads the manifests and the checksums that {@code head} ends, and refuses what isn't whole. */
    public static ChainBaseline of(ObjectStore store, ManifestRef head) throws IOException {
        return new ChainBaseline(Chain.verified(store, head));
    }

    @Override
    public int rangeBytes() {
        return rangeBytes;
    }

    @Override
    public Check next(Extent range) throws IOException {
        List<Piece> pieces = new ArrayList<>();
        long at = range.offsetBytes();
        while (at < range.endBytes()) {
            long untilBytes = next.map(Segment::offsetBytes).orElse(range.endBytes());
            if (untilBytes > at) {
                long endBytes = Math.min(untilBytes, range.endBytes());
                addZeros(at, endBytes, pieces);
                at = endBytes;
            } else {
                Segment segment = next.orElseThrow();
                // Clusters lie within ranges, unless the drive ends within one.
                long endBytes = Math.min(segment.offsetBytes() + segment.lengthBytes(), range.endBytes());
                pieces.add(new Piece(new Extent(at, endBytes - at), expected(segment)));
                at = endBytes;
                next = merged.next();
            }
        }
        return (content, differing) -> find(range, pieces, content, differing);
    }

    private static void addZeros(long fromBytes, long endBytes, List<Piece> pieces) {
        for (long at = fromBytes; at < endBytes; ) {
            long stepBytes = Math.min(endBytes, (at / ZEROS_BYTES + 1) * ZEROS_BYTES);
            pieces.add(new Piece(new Extent(at, stepBytes - at), Optional.empty()));
            at = stepBytes;
        }
    }

    private Optional<Expected> expected(Segment segment) {
        if (segment.sum().kind() == ClusterSum.Kind.ZERO) {
            return Optional.empty();
        }
        Manifest manifest = chain.manifest(segment.layer());
        int clusterBytes = manifest.image().clusterSizeBytes();
        long imageEndBytes = manifest.image().sizeBytes();
        // The drive's last cluster is filled up with zeros.
        long wholeBytes = Math.min(clusterBytes, imageEndBytes - segment.clusterOffsetBytes());
        boolean isWhole =
                segment.offsetBytes() == segment.clusterOffsetBytes() && segment.lengthBytes() == wholeBytes;
        return Optional.of(new Expected(segment.sum(), clusterBytes, isWhole));
    }

    private static void find(Extent range, List<Piece> pieces, ByteBuffer content, Consumer<Extent> differing) {
        for (Piece piece : pieces) {
            int offset = (int) (piece.extent().offsetBytes() - range.offsetBytes());
            ByteBuffer now = content.slice(offset, (int) piece.extent().lengthBytes());
            boolean isSame =
                    piece.expected().map(expected -> isSame(expected, now)).orElseGet(() -> isZero(now));
            if (!isSame) {
                differing.accept(piece.extent());
            }
        }
    }

    private static boolean isSame(Expected expected, ByteBuffer now) {
        if (!expected.isWhole()) {
            return false;
        }
        ByteBuffer cluster = now;
        if (now.remaining() < expected.clusterBytes()) {
            cluster = ByteBuffer.allocate(expected.clusterBytes());
            cluster.put(now.duplicate()).rewind();
        }
        return ClusterDigest.of(cluster).equals(expected.sum().digest());
    }

    private static boolean isZero(ByteBuffer bytes) {
        int at = bytes.position();
        for (; at + Long.BYTES <= bytes.limit(); at += Long.BYTES) {
            if (bytes.getLong(at) != 0) {
                return false;
            }
        }
        for (; at < bytes.limit(); at++) {
            if (bytes.get(at) != 0) {
                return false;
            }
        }
        return true;
    }
}
