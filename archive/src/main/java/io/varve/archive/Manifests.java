package io.varve.archive;

import io.varve.archive.store.ObjectKey;
import io.varve.archive.store.ObjectStore;
import io.varve.archive.store.ObjectSummary;
import io.varve.archive.store.PutResult;
import io.varve.archive.store.Sha256;
import io.varve.core.bits.Digest;
import io.varve.core.commit.ManifestRef;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;

/** Writes and reads manifests, and follows them from child to parent. Safe for any thread. */
public final class Manifests {
    /** A chain longer than this is refused (reliability.md section 5). */
    public static final int MAX_CHAIN = 1000;

    private final ObjectStore store;

    public Manifests(ObjectStore store) {
        this.store = store;
    }

    /**
     * Writes a manifest once, after it's sure that the objects it names are there with their lengths (I7).
     *
     * @return what the decision and a child name it by
     */
    public ManifestRef publish(Manifest manifest) throws IOException {
        checkLength(manifest.data().key(), manifest.data().lengthBytes());
        checkLength(manifest.sums().key(), manifest.sums().lengthBytes());
        ObjectKey key = ObjectKeys.manifest(manifest.name());
        byte[] bytes = ManifestJson.write(manifest);
        if (bytes.length > JsonFields.MAX_BYTES) {
            throw new IOException("the manifest '" + key + "' would have " + bytes.length + " bytes; expected at most "
                    + JsonFields.MAX_BYTES + ": use larger parts");
        }
        PutResult result = store.putIfAbsent(key, ByteBuffer.wrap(bytes));
        return switch (result) {
            case PutResult.Created _ -> new ManifestRef(key.value(), Sha256.of(bytes));
            case PutResult.Exists _ -> existing(key, bytes);
        };
    }

    /** Our own, when the reply to the first try was lost; nobody else writes an attempt's keys. */
    private ManifestRef existing(ObjectKey key, byte[] bytes) throws IOException {
        byte[] stored = store.get(key, JsonFields.MAX_BYTES).orElse(new byte[0]);
        if (!Arrays.equals(stored, bytes)) {
            throw new DamagedArchiveException("the manifest '" + key + "' in " + store.describe()
                    + " is there with another content; an attempt's id was used twice");
        }
        return new ManifestRef(key.value(), Sha256.of(bytes));
    }

    private void checkLength(ObjectKey key, long lengthBytes) throws IOException {
        Optional<ObjectSummary> stored = store.head(key);
        if (stored.isEmpty() || stored.get().lengthBytes() != lengthBytes) {
            throw new DamagedArchiveException("'" + key + "' in " + store.describe() + " has "
                    + stored.map(summary -> summary.lengthBytes() + " bytes").orElse("gone") + "; expected "
                    + lengthBytes + " bytes");
        }
    }

    /** Reads the manifest that {@code ref} names, and nothing else in its place (I4). */
    public Manifest read(ManifestRef ref) throws IOException {
        ObjectKey key = new ObjectKey(ref.key());
        byte[] bytes = bytes(key);
        Digest actual = Sha256.of(bytes);
        if (!actual.equals(ref.sha256())) {
            throw new DamagedArchiveException("the manifest '" + ref.key() + "' in " + store.describe()
                    + " is damaged or replaced: its SHA-256 is " + actual.hex() + "; expected "
                    + ref.sha256().hex());
        }
        return parse(key, bytes);
    }

    /** A manifest as it stands, with nobody's word for it. */
    Manifest find(ObjectKey key) throws IOException {
        return parse(key, bytes(key));
    }

    private byte[] bytes(ObjectKey key) throws IOException {
        return store.get(key, JsonFields.MAX_BYTES)
                .orElseThrow(() ->
                        new DamagedArchiveException("the manifest '" + key + "' is missing in " + store.describe()));
    }

    private static Manifest parse(ObjectKey key, byte[] bytes) throws DamagedArchiveException {
        Manifest manifest = ManifestJson.read(key, bytes);
        if (!ObjectKeys.manifest(manifest.name()).equals(key)) {
            throw new DamagedArchiveException(
                    "the manifest '" + key + "' says that it's '" + ObjectKeys.manifest(manifest.name()) + "'");
        }
        return manifest;
    }

    /**
     * The chain that {@code head} ends: its manifest first, the full backup's last. Each link is checked by digest, so
     * that a loop or a foreign parent can't be expressed; each sequence number is one less.
     */
    public List<Manifest> chain(ManifestRef head) throws IOException {
        List<Manifest> chain = new ArrayList<>();
        Manifest manifest = read(head);
        chain.add(manifest);
        while (manifest.parent().isPresent()) {
            if (chain.size() == MAX_CHAIN) {
                throw new DamagedArchiveException("the chain that ends in '" + head.key() + "' has more than "
                        + MAX_CHAIN + " backups; it can't be followed");
            }
            Manifest parent = read(manifest.parent().get());
            checkLink(manifest, parent);
            chain.add(parent);
            manifest = parent;
        }
        return List.copyOf(chain);
    }

    private static void checkLink(Manifest child, Manifest parent) throws DamagedArchiveException {
        BackupName name = child.name();
        boolean fits = name.drive().equals(parent.name().drive())
                && name.chain().equals(parent.name().chain())
                && name.sequence() == parent.name().sequence() + 1;
        if (!fits) {
            throw new DamagedArchiveException("'" + ObjectKeys.manifest(name) + "' names '"
                    + ObjectKeys.manifest(parent.name()) + "' as its parent; expected backup " + (name.sequence() - 1)
                    + " of chain " + name.chain() + " of drive " + name.drive());
        }
    }
}
