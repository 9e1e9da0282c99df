package io.varve.simulator;

import io.varve.archive.Decisions;
import io.varve.archive.Manifest;
import io.varve.archive.Manifests;
import io.varve.archive.store.ObjectKey;
import io.varve.archive.store.ObjectStore;
import io.varve.archive.store.Sha256;
import io.varve.core.commit.ManifestRef;
import io.varve.core.commit.UnitId;
import io.varve.core.commit.Verdict;
import io.varve.core.drive.BackupKey;
import io.varve.core.id.DriveId;
import io.varve.core.id.SyncPointId;
import java.io.IOException;
import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;

/** Knows what each drive may hold at each cut, and restores each sync point as soon as it's committed. */
final class Oracle {
    private static final int OBJECT_MAX_BYTES = 1 << 20;

    private final World world;
    private final Map<String, LegalState> legal = new TreeMap<>();
    private final Map<String, Verdict> decided = new TreeMap<>();
    /** By the key of the manifest. */
    private final Map<String, Restored> committed = new TreeMap<>();

    private final Map<DriveId, List<Long>> commitMillis = new TreeMap<>();
    private final Set<String> named = new TreeSet<>();

    /**
     * A committed backup.
     *
     * @param isPromised false where strangers wrote the image, which only a lock prevents
     */
    record Restored(Blocks blocks, boolean isPromised, LegalState legal) {}

    Oracle(World world) {
        this.world = world;
    }

    private static String at(DriveId drive, SyncPointId syncPoint) {
        return drive + "@" + syncPoint;
    }

    /** The cuts of these drives stand at this instant. */
    void cut(Collection<AgentDrive> drives, List<BackupKey> keys) {
        for (AgentDrive drive : drives) {
            List<GuestWrite> pending = new ArrayList<>(drive.io().pending());
            drive.image().late().forEach(late -> pending.add(late.write()));
            LegalState state =
                    new LegalState(drive.image().copy(), pending, drive.image().foreignWrites());
            keys.forEach(key -> legal.put(at(drive.id(), key.syncPoint()), state));
        }
    }

    Optional<Verdict> decision(UnitId unit) {
        return Optional.ofNullable(decided.get(unit.toString()));
    }

    Optional<Restored> restored(String manifestKey) {
        return Optional.ofNullable(committed.get(manifestKey));
    }

    /** How many backups of a drive are committed. */
    int commits() {
        return committed.size();
    }

    /** How many backups of the drive were committed after {@code sinceMillis}. */
    long commits(DriveId drive, long sinceMillis) {
        return commitMillis.getOrDefault(drive, List.of()).stream()
                .filter(millis -> millis > sinceMillis)
                .count();
    }

    /** Looks whether a decision is there now. */
    void lookAt(UnitId unit) {
        Optional<Verdict> found = world.store().honestly(store -> new Decisions(store).find(unit));
        if (found.isEmpty()) {
            return;
        }
        Verdict before = decided.put(unit.toString(), found.get());
        if (before != null && !before.equals(found.get())) {
            throw new Violation("I14", "unit " + unit + " was " + before + " and is now " + found.get());
        }
        if (before == null) {
            world.attempts().decided(unit);
        }
        if (before == null && found.get() instanceof Verdict.Committed(var manifests)) {
            world.schedule().note(() -> "unit " + unit + " is committed");
            manifests.forEach((drive, ref) -> committed(unit, drive, ref));
        }
    }

    private void committed(UnitId unit, DriveId drive, ManifestRef ref) {
        LegalState state = Objects.requireNonNull(legal.get(at(drive, unit.syncPoint())));
        List<Manifest> chain = world.store().honestly(store -> new Manifests(store).chain(ref));
        Blocks blocks = restore(chain, state.blocks().count());
        Restored restored = new Restored(blocks, isPromised(drive, chain, state), state);
        committed.put(ref.key(), restored);
        commitMillis
                .computeIfAbsent(drive, d -> new ArrayList<>())
                .add(world.schedule().nowMillis());
        chain.forEach(manifest -> {
            named.add(manifest.data().key().value());
            named.add(manifest.sums().key().value());
        });
        check(unit.syncPoint(), drive, restored);
    }

    private static void check(SyncPointId syncPoint, DriveId drive, Restored restored) {
        String objection = restored.legal().objection(restored.blocks());
        if (restored.isPromised() && !objection.isEmpty()) {
            throw new Violation("I6", "drive " + drive + ", restored from sync point " + syncPoint + ", " + objection);
        }
    }

    private boolean isPromised(DriveId drive, List<Manifest> chain, LegalState state) {
        if (state.foreignWrites() != world.image(drive).foreignWrites()) {
            return false;
        }
        Optional<ManifestRef> parent = chain.getFirst().parent();
        if (parent.isEmpty()) {
            return true;
        }
        Restored known = committed.get(parent.get().key());
        return known != null && known.isPromised() && known.legal().foreignWrites() == state.foreignWrites();
    }

    private Blocks restore(List<Manifest> chain, int blocks) {
        return world.store().honestly(store -> {
            long[] image = new long[blocks];
            for (Manifest manifest : chain.reversed()) {
                Archived.applyTo(image, Archived.read(verified(store, manifest)));
            }
            return new Blocks(image);
        });
    }

    // I11: the digest first, then the bytes.
    private static byte[] verified(ObjectStore store, Manifest manifest) throws IOException {
        ObjectKey key = manifest.data().key();
        byte[] data = store.get(key, OBJECT_MAX_BYTES).orElseThrow(() -> new Violation("I13", key + " is gone"));
        if (!Sha256.of(data).equals(manifest.data().parts().parts().getFirst().sha256())) {
            throw new Violation("I7", key + " isn't what its manifest says");
        }
        return data;
    }

    /** An object was put over another. */
    void replaced(String key) {
        if (named.contains(key)) {
            throw new Violation("I7", key + " changed after it was committed");
        }
    }

    /** Restores all that is committed once more. */
    void checkAll() {
        for (Map.Entry<String, Verdict> entry : new ArrayList<>(decided.entrySet())) {
            if (entry.getValue() instanceof Verdict.Committed(var manifests)) {
                manifests.forEach((drive, ref) -> {
                    Restored first = Objects.requireNonNull(committed.get(ref.key()));
                    List<Manifest> chain = world.store().honestly(store -> new Manifests(store).chain(ref));
                    Blocks again = restore(chain, first.blocks().count());
                    if (!again.isEqualTo(first.blocks())) {
                        throw new Violation("I7", "unit " + entry.getKey() + " restores another content than before");
                    }
                });
            }
        }
    }

    /** Whether a committed backup needs the object, or is it, or one that may be committed yet. */
    boolean isNamed(String key) {
        return named.contains(key) || committed.containsKey(key);
    }
}
