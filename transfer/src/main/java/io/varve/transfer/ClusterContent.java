package io.varve.transfer;

import io.varve.archive.sums.ClusterDigest;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;

/** What was found in a cluster that was read. */
sealed interface ClusterContent {
    record Zeros() implements ClusterContent {}

    record Data(ClusterDigest digest) implements ClusterContent {}

    Zeros ZEROS = new Zeros();

    /** Looks at whole clusters, which stand one behind the other from 0 to {@code bytes}' limit. */
    static List<ClusterContent> of(ByteBuffer bytes, int clusterBytes) {
        ByteBuffer zeros = ByteBuffer.allocate(clusterBytes);
        List<ClusterContent> contents = new ArrayList<>(bytes.limit() / clusterBytes);
        for (int offset = 0; offset < bytes.limit(); offset += clusterBytes) {
            ByteBuffer cluster = bytes.slice(offset, clusterBytes);
            contents.add(cluster.equals(zeros) ? ZEROS : new Data(ClusterDigest.of(cluster)));
        }
        return contents;
    }
}
