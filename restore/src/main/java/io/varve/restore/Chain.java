package io.varve.restore;

import io.varve.archive.DamagedArchiveException;
import io.varve.archive.Manifest;
import io.varve.archive.Manifests;
import io.varve.archive.store.ObjectStore;
import io.varve.archive.store.ObjectSummary;
import io.varve.archive.sums.SumsReader;
import io.varve.core.commit.ManifestRef;
import io.varve.restore.merge.Layer;
import io.varve.restore.merge.MergedClusters;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/** The backups that a drive's state at a sync point is laid together from. */
public final class Chain {
    private static final int SUMS_BUFFERS_BYTES = 16 << 20;
    private static final int SUMS_BUFFER_MIN_BYTES = 4 << 10;
    private static final int SUMS_BUFFER_MAX_BYTES = 1 << 20;

    private final ObjectStore store;
    private final List<Manifest> newestFirst;

    private Chain(ObjectStore store, List<Manifest> newestFirst) {
        this.store = store;
        this.newestFirst = newestFirst;
    }

    /**
     * Reads the manifests of a chain, and checks each link, the length of every object and every checksum file. After
     * this all that a restore reads is known by its digest.
     */
    public static Chain verified(ObjectStore store, ManifestRef head) throws IOException {
        Chain chain = new Chain(store, new Manifests(store).chain(head));
        ByteBuffer buffer = ByteBuffer.allocate(SUMS_BUFFER_MAX_BYTES);
        for (Manifest manifest : chain.newestFirst) {
            chain.checkData(manifest);
            SumsReader.verify(store, manifest, buffer);
        }
        return chain;
    }

    private void checkData(Manifest manifest) throws IOException {
        long expectedBytes = manifest.data().lengthBytes();
        Optional<ObjectSummary> found = store.head(manifest.data().key());
        if (found.isEmpty()) {
            throw new DamagedArchiveException(
                    "the data '" + manifest.data().key() + "' is missing in " + store.describe());
        }
        if (found.get().lengthBytes() != expectedBytes) {
            throw new DamagedArchiveException("the data '" + manifest.data().key() + "' in " + store.describe()
                    + " is damaged: it has " + found.get().lengthBytes() + " bytes; expected " + expectedBytes);
        }
    }

    /** The drive's state, newest first: what a layer has replaces what older ones have. */
    public MergedClusters merged() throws IOException {
        int bufferBytes = Math.clamp(SUMS_BUFFERS_BYTES / size(), SUMS_BUFFER_MIN_BYTES, SUMS_BUFFER_MAX_BYTES);
        List<Layer> layers = new ArrayList<>();
        long visibleBytes = Long.MAX_VALUE;
        for (Manifest manifest : newestFirst) {
            visibleBytes = Math.min(visibleBytes, manifest.image().sizeBytes());
            SumsReader reader = new SumsReader(store, manifest, bufferBytes);
            layers.add(new Layer(manifest.image().clusterSizeBytes(), visibleBytes, reader::next));
        }
        return new MergedClusters(layers);
    }

    /** The manifest of a layer, counted from the newest. */
    public Manifest manifest(int layer) {
        return newestFirst.get(layer);
    }

    Manifest head() {
        return newestFirst.getFirst();
    }

    /** How many backups it has. */
    public int size() {
        return newestFirst.size();
    }

    ObjectStore store() {
        return store;
    }
}
