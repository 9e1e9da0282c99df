package io.varve.archive;

import io.varve.archive.Manifest.CutProof;
import io.varve.archive.Manifest.DataObject;
import io.varve.archive.Manifest.Dirt;
import io.varve.archive.Manifest.Generations;
import io.varve.archive.Manifest.Image;
import io.varve.archive.Manifest.LogPosition;
import io.varve.archive.Manifest.Membership;
import io.varve.archive.Manifest.SumsObject;
import io.varve.archive.store.MultipartUpload;
import io.varve.archive.store.ObjectKey;
import io.varve.archive.store.ObjectOutput;
import io.varve.archive.store.ObjectStore;
import io.varve.archive.store.Sha256;
import io.varve.archive.store.StoredParts;
import io.varve.archive.sums.ClusterDigest;
import io.varve.archive.sums.ClusterSum;
import io.varve.archive.sums.SumsWriter;
import io.varve.core.bits.Granularity;
import io.varve.core.commit.ManifestRef;
import io.varve.core.drive.Completion;
import io.varve.core.drive.FullCause;
import io.varve.core.id.BitmapName;
import io.varve.core.id.DriveId;
import io.varve.core.id.JournalId;
import io.varve.core.id.SyncPointId;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.SplittableRandom;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.UUID;

/** Backups for the tests: real objects of a few random clusters, in the layout and with the digests of real ones. */
public final class Backups {
    public static final int CLUSTER_BYTES = 64 * 1024;
    private static final Instant CREATED = Instant.parse("2026-11-24T02:00:00.500Z");

    private final ObjectStore store;
    private final SplittableRandom random;

    public Backups(ObjectStore store, long seed) {
        this.store = store;
        this.random = new SplittableRandom(seed);
    }

    /** A backup in the archive. */
    public record Stored(Manifest manifest, ManifestRef ref) {}

    /** Who takes part in a sync point, and how. */
    public static Membership membership(String syncPoint, Completion completion, String... drives) {
        TreeSet<DriveId> participants = new TreeSet<>();
        for (String drive : drives) {
            participants.add(new DriveId(drive));
        }
        return new Membership(new SyncPointId(syncPoint), participants, completion);
    }

    public Stored full(String drive, Membership membership, long... clusters) throws IOException {
        return store(first(drive, membership), membership, Origin.full(Optional.empty()), clusters);
    }

    /** A full backup that nobody asked for. */
    public Stored unasked(String drive, Membership membership, FullCause cause, long... clusters) throws IOException {
        return store(first(drive, membership), membership, Origin.full(Optional.of(cause)), clusters);
    }

    private BackupName first(String drive, Membership membership) {
        return new BackupName(new DriveId(drive), membership.syncPoint(), 0, attempt());
    }

    public Stored incremental(Stored parent, Membership membership, long... clusters) throws IOException {
        BackupName above = parent.manifest().name();
        BackupName name = new BackupName(above.drive(), above.chain(), above.sequence() + 1, attempt());
        return store(name, membership, Origin.above(parent.ref()), clusters);
    }

    /** What a backup lies on, or why on nothing. */
    private record Origin(Optional<ManifestRef> parent, Optional<FullCause> fullCause) {
        static Origin above(ManifestRef parent) {
            return new Origin(Optional.of(parent), Optional.empty());
        }

        static Origin full(Optional<FullCause> cause) {
            return new Origin(Optional.empty(), cause);
        }
    }

    private UUID attempt() {
        return new UUID(random.nextLong(), random.nextLong());
    }

    private Stored store(BackupName name, Membership membership, Origin origin, long... clusters) throws IOException {
        Map<Long, byte[]> contents = new TreeMap<>();
        for (long cluster : clusters) {
            byte[] content = new byte[CLUSTER_BYTES];
            random.nextBytes(content);
            contents.put(cluster, content);
        }
        Manifest manifest = new Manifest(
                name,
                membership,
                origin.parent(),
                origin.fullCause(),
                new Image(64L * CLUSTER_BYTES, CLUSTER_BYTES),
                origin.parent().map(_ -> proof((long) clusters.length * CLUSTER_BYTES)),
                data(ObjectKeys.data(name), contents),
                sums(ObjectKeys.sums(name), contents),
                CREATED.plusSeconds(name.sequence()),
                Optional.of(new LogPosition("varve.changes", 3, 17)));
        return new Stored(manifest, new Manifests(store).publish(manifest));
    }

    private CutProof proof(long dirtyBytes) {
        return new CutProof(
                new BitmapName("Bitmap of the tests"),
                new Generations(new JournalId(attempt()), new TreeSet<>(List.of(4L, 5L))),
                new Dirt(Granularity.DEFAULT, dirtyBytes, Sha256.of(new byte[] {1})));
    }

    private DataObject data(ObjectKey key, Map<Long, byte[]> contents) throws IOException {
        ByteBuffer bytes =
                ByteBuffer.allocate((contents.size() + 1) * CLUSTER_BYTES).position(CLUSTER_BYTES);
        contents.values().forEach(bytes::put);
        MultipartUpload upload = store.begin(key);
        upload.uploadPart(1, bytes.flip());
        StoredParts parts = upload.complete();
        return new DataObject(key, parts, (long) contents.size() * CLUSTER_BYTES);
    }

    private SumsObject sums(ObjectKey key, Map<Long, byte[]> contents) throws IOException {
        try (SumsWriter writer = new SumsWriter(new ObjectOutput(store, key), CLUSTER_BYTES)) {
            long offsetBytes = CLUSTER_BYTES;
            for (var cluster : contents.entrySet()) {
                ClusterDigest digest = ClusterDigest.of(ByteBuffer.wrap(cluster.getValue()));
                writer.add(ClusterSum.data(cluster.getKey(), offsetBytes, CLUSTER_BYTES, digest));
                offsetBytes += CLUSTER_BYTES;
            }
            ObjectOutput.Written written = writer.finish();
            return new SumsObject(key, written.lengthBytes(), written.sha256());
        }
    }
}
