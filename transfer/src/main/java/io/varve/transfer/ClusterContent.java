package io.varve.transfer;

import io.varve.archive.store.Sha256;
import java.nio.ByteBuffer;
import java.security.MessageDigest;
import java.util.ArrayList;
import java.util.List;

/** What was found in a cluster that was read. */
sealed interface ClusterContent {
    record Zeros() implements ClusterContent {}

    record Data(Checksum checksum) implements ClusterContent {}

    Zeros ZEROS = new Zeros();

    /** Looks at whole clusters, which stand one behind the other from 0 to {@code bytes}' limit. */
    static List<ClusterContent> of(ByteBuffer bytes, int clusterBytes) {
        MessageDigest sha256 = Sha256.start();
        ByteBuffer zeros = ByteBuffer.allocate(clusterBytes);
        List<ClusterContent> contents = new ArrayList<>(bytes.limit() / clusterBytes);
        for (int offset = 0; offset < bytes.limit(); offset += clusterBytes) {
            ByteBuffer cluster = bytes.slice(offset, clusterBytes);
            contents.add(cluster.equals(zeros) ? ZEROS : new Data(checksum(sha256, cluster)));
        }
        return contents;
    }

    /** The checksum of a cluster's bytes. */
    static Checksum checksum(MessageDigest sha256, ByteBuffer cluster) {
        sha256.update(cluster);
        return Checksum.ofBytes(sha256.digest());
    }
}
