package io.varve.capture.backend.qcow2;

import java.io.IOException;

/**
 * Where compressed clusters go: several into one host cluster, which counts each of them. It's counted for many ahead
 * of their use, so that one sync does for all of them; {@link #close} uncounts the rest.
 *
 * <p>Thread: one, which has the image for itself.
 */
final class PackedPlaces implements AutoCloseable {
    private static final int AHEAD = 256;
    private static final long NONE = -1;

    private final OpenedImage image;
    private final ClusterAllocator allocator;
    private long host = NONE;
    private int usedBytes;
    private int left;

    PackedPlaces(OpenedImage image, ClusterAllocator allocator) {
        this.image = image;
        this.allocator = allocator;
    }

    /** A place for so many bytes, fewer than a cluster's; its count isn't durable before the next sync. */
    long take(int bytes) throws IOException {
        if (host == NONE || left == 0 || usedBytes + bytes > image.clusterBytes()) {
            close();
            host = allocator.take();
            usedBytes = 0;
            allocator.count(host, AHEAD - 1);
            left = AHEAD;
        }
        long offsetBytes = image.header().clusterSize().offsetBytes(host) + usedBytes;
        usedBytes += bytes;
        left--;
        return offsetBytes;
    }

    /** Counts no more than what's there. */
    @Override
    public void close() throws IOException {
        if (host != NONE && left > 0) {
            allocator.count(host, -left);
        }
        host = NONE;
    }
}
