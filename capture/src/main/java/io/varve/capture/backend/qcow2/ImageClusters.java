package io.varve.capture.backend.qcow2;

import io.varve.formats.qcow2.DriveEntry;
import java.io.IOException;
import java.nio.channels.NonWritableChannelException;
import java.util.Arrays;
import java.util.Optional;

/** The clusters that an image holds itself. Safe for any thread. */
public final class ImageClusters {
    private final Qcow2Backend backend;
    private final OpenedImage image;
    private final Optional<Qcow2Changes> changes;

    ImageClusters(Qcow2Backend backend, OpenedImage image, Optional<Qcow2Changes> changes) {
        this.backend = backend;
        this.image = image;
        this.changes = changes;
    }

    /** Hears of ranges. */
    @FunctionalInterface
    public interface Ranges {
        void range(long offsetBytes, long lengthBytes);
    }

    /** Tells what the image itself holds, as data or zeroes, so that nothing under it shows; ascending. */
    public void forEach(Ranges ranges) throws IOException {
        long position = 0;
        while (position < backend.sizeBytes()) {
            long from = position;
            long[] next = new long[1];
            backend.inGate(() -> next[0] = tell(from, ranges));
            position = next[0];
        }
    }

    /** @return where to go on */
    private long tell(long offsetBytes, Ranges ranges) throws IOException {
        long cluster = image.clusterOf(offsetBytes);
        if (!image.map().hasTable(cluster)) {
            return image.header().clusterSize().offsetBytes(image.map().tableEnd(cluster));
        }
        if (DriveEntry.kind(image.map().entry(cluster)) != DriveEntry.Kind.UNALLOCATED) {
            ranges.range(offsetBytes, Math.min(image.clusterBytes(), backend.sizeBytes() - offsetBytes));
        }
        return offsetBytes + image.clusterBytes();
    }

    /**
     * Compresses the clusters that begin at these offsets, where they hold data that becomes smaller so, and flushes.
     * Other requests wait meanwhile; what's read stays the same.
     */
    public void pack(long... offsetsBytes) throws IOException {
        Qcow2Changes writable = changes.orElseThrow(NonWritableChannelException::new);
        long[] clusters = Arrays.stream(offsetsBytes).map(image::clusterOf).toArray();
        boolean _ = backend.alone(() -> {
            writable.pack(clusters);
            return true;
        });
        backend.flush();
    }
}
