package io.varve.capture.backend.qcow2;

import io.varve.formats.qcow2.DriveEntry;
import io.varve.formats.qcow2.DriveEntry.Kind;
import java.io.IOException;

/** How far neighbouring clusters can be handled as one. */
final class ClusterRuns {
    /** Clusters whose entries are changed at once: a slice of a table. */
    private static final int CHANGE_CLUSTERS = 512;

    private static final long OWN_BYTES_MAX = 1L << 30;

    private ClusterRuns() {}

    /**
     * Bytes from {@code offsetBytes}, at most {@code lengthBytes}, that are as the first by its entry: side by side in
     * the file, or all zeros, or all of the backing file.
     */
    static int bytes(OpenedImage image, long entry, long offsetBytes, int lengthBytes) throws IOException {
        int clusterBytes = image.clusterBytes();
        int run = clusterBytes - (int) (offsetBytes & (clusterBytes - 1));
        Kind kind = DriveEntry.kind(entry);
        if (kind == Kind.COMPRESSED) {
            return Math.min(run, lengthBytes);
        }
        long cluster = image.clusterOf(offsetBytes);
        for (int index = 1; run < lengthBytes; index++) {
            long next = image.map().entry(cluster + index);
            boolean isAlike =
                    kind == Kind.DATA ? next == entry + (long) index * clusterBytes : DriveEntry.kind(next) == kind;
            if (!isAlike) {
                break;
            }
            run += clusterBytes;
        }
        return Math.min(run, lengthBytes);
    }

    /** What the image itself holds of a range's beginning, or doesn't; so much is looked through at once. */
    static OwnExtent own(OpenedImage image, long offsetBytes, long lengthBytes) throws IOException {
        boolean first = isOwn(image, offsetBytes);
        long endBytes = offsetBytes + Math.min(lengthBytes, OWN_BYTES_MAX);
        long at = offsetBytes;
        do {
            at += image.clusterBytes() - (at & (image.clusterBytes() - 1));
        } while (at < endBytes && isOwn(image, at) == first);
        return new OwnExtent(Math.min(lengthBytes, at - offsetBytes), first);
    }

    private static boolean isOwn(OpenedImage image, long offsetBytes) throws IOException {
        long cluster = image.clusterOf(offsetBytes);
        return image.map().hasTable(cluster) && DriveEntry.kind(image.map().entry(cluster)) != Kind.UNALLOCATED;
    }

    /** Bytes from {@code offsetBytes} to the end of those clusters whose entries are changed at once. */
    static long changeBytes(OpenedImage image, long offsetBytes) {
        long cluster = image.clusterOf(offsetBytes);
        int perTable = image.header().clusterSize().tableEntries();
        long end = (cluster / Math.min(perTable, CHANGE_CLUSTERS) + 1) * Math.min(perTable, CHANGE_CLUSTERS);
        return image.header().clusterSize().offsetBytes(end) - offsetBytes;
    }
}
