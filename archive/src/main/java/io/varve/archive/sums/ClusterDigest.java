package io.varve.archive.sums;

import io.varve.archive.store.Sha256;
import java.nio.ByteBuffer;
import java.security.MessageDigest;

/** The first 16 bytes of the SHA-256 of a cluster's plain content, as two big-endian numbers. */
public record ClusterDigest(long high, long low) {
    /** Of the bytes between position and limit, which are left as they are: a whole cluster. */
    public static ClusterDigest of(ByteBuffer cluster) {
        MessageDigest sha256 = Sha256.start();
        sha256.update(cluster.duplicate());
        ByteBuffer digest = ByteBuffer.wrap(sha256.digest());
        return new ClusterDigest(digest.getLong(), digest.getLong());
    }

    /** Of a cluster of zeros. */
    public static ClusterDigest ofZeros(int clusterSizeBytes) {
        return of(ByteBuffer.allocate(clusterSizeBytes));
    }
}
