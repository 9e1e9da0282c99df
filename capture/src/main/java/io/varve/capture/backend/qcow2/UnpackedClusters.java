package io.varve.capture.backend.qcow2;

import java.io.IOException;
import java.util.concurrent.atomic.AtomicReferenceArray;
import org.jspecify.annotations.Nullable;

/**
 * The compressed clusters that were unpacked last, so that small reads don't unpack one again and again. Each has one
 * place that it may take, by its table entry; nobody writes compressed clusters, so an entry's content never changes.
 *
 * <p>Safe for any thread; two may unpack the same one.
 */
final class UnpackedClusters {
    private static final int BYTES_MAX = 4 << 20;
    private static final int PLACES_MAX = 64;
    /** Spreads neighbours (the golden ratio's digits). */
    private static final long SPREAD = 0x9e3779b97f4a7c15L;

    private static final class Unpacked {
        private final long entry;
        private final byte[] content;

        Unpacked(long entry, byte[] content) {
            this.entry = entry;
            this.content = content;
        }
    }

    /** Unpacks a cluster that isn't there. */
    interface Unpacking {
        byte[] run() throws IOException;
    }

    private final AtomicReferenceArray<@Nullable Unpacked> places;

    /** A power of two of places, at least two. */
    UnpackedClusters(int clusterBytes) {
        places = new AtomicReferenceArray<>(Math.clamp(BYTES_MAX / clusterBytes, 2, PLACES_MAX));
    }

    /** What a compressed cluster holds; not to be changed. */
    byte[] get(long entry, Unpacking unpacking) throws IOException {
        int place = (int) ((entry * SPREAD) >>> (Long.SIZE - Integer.SIZE + 1)) & (places.length() - 1);
        Unpacked known = places.get(place);
        if (known != null && known.entry == entry) {
            return known.content;
        }
        byte[] content = unpacking.run();
        places.set(place, new Unpacked(entry, content));
        return content;
    }
}
