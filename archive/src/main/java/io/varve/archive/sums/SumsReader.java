package io.varve.archive.sums;

import io.varve.archive.DamagedArchiveException;
import io.varve.archive.Manifest;
import io.varve.archive.store.ObjectStore;
import io.varve.archive.store.Sha256;
import io.varve.core.bits.Digest;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.security.MessageDigest;
import java.util.Optional;

/**
 * Reads a backup's checksums as a stream, in ranges of one buffer. {@link #verify} first: the records are believed only
 * because the whole has the digest that the manifest names. Thread: its owner's only.
 */
public final class SumsReader {
    private final ObjectStore store;
    private final Manifest manifest;
    private final ByteBuffer buffer;
    private final long clusters;
    private long nextOffsetBytes = SumsFormat.HEADER_BYTES;
    private long lastIndex = -1;

    /**
     * Reads the checksums of one backup.
     *
     * @param bufferBytes how much is read at once, at least one record
     */
    public SumsReader(ObjectStore store, Manifest manifest, int bufferBytes) {
        this.store = store;
        this.manifest = manifest;
        this.clusters = manifest.image().clusters();
        int records = Math.max(1, bufferBytes / SumsFormat.RECORD_BYTES);
        this.buffer = ByteBuffer.allocate(records * SumsFormat.RECORD_BYTES).limit(0);
    }

    /** Reads the whole object once and refuses it unless it's the one that the manifest names. */
    public static void verify(ObjectStore store, Manifest manifest, ByteBuffer buffer) throws IOException {
        Manifest.SumsObject sums = manifest.sums();
        try {
            SumsFormat.count(sums.lengthBytes());
        } catch (IllegalArgumentException e) {
            throw damaged(store, manifest, String.valueOf(e.getMessage()));
        }
        MessageDigest running = Sha256.start();
        for (long offset = 0; offset < sums.lengthBytes(); offset += buffer.limit()) {
            buffer.clear().limit((int) Math.min(buffer.capacity(), sums.lengthBytes() - offset));
            store.read(sums.key(), offset, buffer);
            buffer.flip();
            if (offset == 0) {
                checkStart(store, manifest, buffer.duplicate());
            }
            running.update(buffer.duplicate());
        }
        Digest actual = Sha256.finish(running);
        if (!actual.equals(sums.sha256())) {
            throw damaged(
                    store,
                    manifest,
                    "its SHA-256 is " + actual.hex() + "; expected "
                            + sums.sha256().hex());
        }
    }

    private static void checkStart(ObjectStore store, Manifest manifest, ByteBuffer start) throws IOException {
        try {
            SumsFormat.checkHeader(start, manifest.image().clusterSizeBytes());
        } catch (IllegalArgumentException e) {
            throw damaged(store, manifest, String.valueOf(e.getMessage()));
        }
    }

    /** The next cluster, or empty after the last. */
    public Optional<ClusterSum> next() throws IOException {
        if (!buffer.hasRemaining() && !fill()) {
            return Optional.empty();
        }
        try {
            ClusterSum sum = SumsFormat.getRecord(buffer);
            if (sum.clusterIndex() <= lastIndex || sum.clusterIndex() >= clusters) {
                throw new IllegalArgumentException("cluster " + sum.clusterIndex() + " follows cluster " + lastIndex
                        + " in an image of " + clusters + " clusters");
            }
            lastIndex = sum.clusterIndex();
            return Optional.of(sum);
        } catch (IllegalArgumentException e) {
            throw damaged(store, manifest, String.valueOf(e.getMessage()));
        }
    }

    private boolean fill() throws IOException {
        long rest = manifest.sums().lengthBytes() - nextOffsetBytes;
        if (rest <= 0) {
            return false;
        }
        buffer.clear().limit((int) Math.min(buffer.capacity(), rest));
        store.read(manifest.sums().key(), nextOffsetBytes, buffer);
        nextOffsetBytes += buffer.limit();
        buffer.flip();
        return true;
    }

    private static DamagedArchiveException damaged(ObjectStore store, Manifest manifest, String reason) {
        return new DamagedArchiveException(
                "the checksums '" + manifest.sums().key() + "' in " + store.describe() + " are damaged: " + reason);
    }
}
