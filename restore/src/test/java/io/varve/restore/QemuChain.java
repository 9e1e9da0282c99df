package io.varve.restore;

import static org.junit.jupiter.api.Assertions.assertEquals;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.json.JsonMapper;
import io.varve.archive.BackupName;
import io.varve.archive.Decisions;
import io.varve.archive.Manifest;
import io.varve.archive.Manifest.DataObject;
import io.varve.archive.Manifest.Image;
import io.varve.archive.Manifest.Membership;
import io.varve.archive.Manifest.SumsObject;
import io.varve.archive.Manifests;
import io.varve.archive.ObjectKeys;
import io.varve.archive.store.MultipartUpload;
import io.varve.archive.store.ObjectKey;
import io.varve.archive.store.ObjectOutput;
import io.varve.archive.store.ObjectStore;
import io.varve.archive.sums.ClusterDigest;
import io.varve.archive.sums.ClusterSum;
import io.varve.archive.sums.SumsWriter;
import io.varve.core.commit.ManifestRef;
import io.varve.core.commit.UnitId;
import io.varve.core.commit.Verdict;
import io.varve.core.drive.Completion;
import io.varve.core.id.DriveId;
import io.varve.core.id.SyncPointId;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.SplittableRandom;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.UUID;

/**
 * A drive's chain whose images QEMU wrote, put into an archive as a sink would; and the model of what the drive held at
 * each sync point. So the images come from one program, and the restore from another.
 */
final class QemuChain {
    static final int CLUSTER_BYTES = 64 * 1024;

    /** A partial last cluster. */
    static final int SIZE_BYTES = 50 * CLUSTER_BYTES + 512;

    private final ObjectStore store;
    private final Path folder;
    private final DriveId drive;
    private final SplittableRandom random;
    private final List<Path> images = new ArrayList<>();
    private final List<ManifestRef> refs = new ArrayList<>();
    private final Map<String, byte[]> models = new TreeMap<>();
    private final byte[] model = new byte[SIZE_BYTES];
    private Optional<SyncPointId> chain = Optional.empty();

    QemuChain(ObjectStore store, Path folder, String drive, long seed) {
        this.store = store;
        this.folder = folder;
        this.drive = new DriveId(drive);
        this.random = new SplittableRandom(seed);
    }

    /** The drive's content at a sync point. */
    byte[] model(String syncPoint) {
        return Optional.ofNullable(models.get(syncPoint)).orElseThrow().clone();
    }

    ManifestRef ref(int sequence) {
        return refs.get(sequence);
    }

    /** Writes some clusters, and adds the backup to the archive; the caller decides it. */
    ManifestRef backUp(Membership membership) throws Exception {
        Path image = folder.resolve(drive + "-" + images.size() + ".qcow2");
        create(image);
        List<String> command = new ArrayList<>(List.of("qemu-io", "-f", "qcow2"));
        int writes = images.isEmpty() ? 30 : 8;
        for (int i = 0; i < writes; i++) {
            command.addAll(List.of("-c", write()));
        }
        command.add(image.toString());
        run(command);
        images.add(image);
        models.put(membership.syncPoint().value(), model.clone());
        return publish(image, membership);
    }

    private void create(Path image) throws Exception {
        List<String> command = new ArrayList<>(
                List.of("qemu-img", "create", "-q", "-f", "qcow2", "-o", "cluster_size=" + CLUSTER_BYTES));
        if (!images.isEmpty()) {
            command.addAll(List.of("-b", images.getLast().toString(), "-F", "qcow2"));
        }
        command.addAll(List.of(image.toString(), Integer.toString(SIZE_BYTES)));
        run(command);
    }

    /** One write of a few whole clusters: a pattern or zeros. */
    private String write() {
        int cluster = random.nextInt(51);
        int offset = cluster * CLUSTER_BYTES;
        int length = Math.min(random.nextInt(1, 4) * CLUSTER_BYTES, SIZE_BYTES - offset);
        boolean zeros = random.nextInt(4) == 0;
        int pattern = zeros ? 0 : random.nextInt(1, 256);
        Arrays.fill(model, offset, offset + length, (byte) pattern);
        return "write " + (zeros ? "-z" : "-P " + pattern) + " " + offset + " " + length;
    }

    private ManifestRef publish(Path image, Membership membership) throws Exception {
        int sequence = refs.size();
        SyncPointId head = chain.orElse(membership.syncPoint());
        chain = Optional.of(head);
        UUID attempt = new UUID(random.nextLong(), random.nextLong());
        BackupName name = new BackupName(drive, head, sequence, attempt);
        byte[] bytes = Files.readAllBytes(image);
        MultipartUpload upload = store.begin(ObjectKeys.data(name));
        upload.uploadPart(1, ByteBuffer.wrap(bytes));
        DataObject data = new DataObject(ObjectKeys.data(name), upload.complete(), 0);
        Manifest manifest = new Manifest(
                name,
                membership,
                sequence == 0 ? Optional.empty() : Optional.of(refs.getLast()),
                Optional.empty(),
                new Image(SIZE_BYTES, CLUSTER_BYTES),
                Optional.empty(),
                data,
                sums(ObjectKeys.sums(name), image, bytes),
                Instant.EPOCH.plusSeconds(sequence),
                Optional.empty());
        refs.add(new Manifests(store).publish(manifest));
        return refs.getLast();
    }

    /** Where QEMU says that the image's clusters stand. */
    private SumsObject sums(ObjectKey key, Path image, byte[] bytes) throws Exception {
        try (SumsWriter writer = new SumsWriter(new ObjectOutput(store, key), CLUSTER_BYTES)) {
            for (JsonNode extent : new JsonMapper()
                    .readTree(run(List.of("qemu-img", "map", "--output=json", "-f", "qcow2", image.toString())))) {
                if (extent.get("depth").asInt() == 0 && extent.get("present").asBoolean()) {
                    add(writer, extent, bytes);
                }
            }
            ObjectOutput.Written written = writer.finish();
            return new SumsObject(key, written.lengthBytes(), written.sha256());
        }
    }

    private static void add(SumsWriter writer, JsonNode extent, byte[] bytes) throws IOException {
        long from = extent.get("start").asLong();
        long to = from + extent.get("length").asLong();
        boolean data = extent.get("data").asBoolean();
        for (long position = from; position < to; position += CLUSTER_BYTES) {
            long index = position / CLUSTER_BYTES;
            if (!data) {
                writer.add(ClusterSum.zero(index, ClusterDigest.ofZeros(CLUSTER_BYTES)));
                continue;
            }
            int offset = (int) (extent.get("offset").asLong() + position - from);
            byte[] cluster = Arrays.copyOfRange(bytes, offset, offset + CLUSTER_BYTES);
            writer.add(ClusterSum.data(index, offset, CLUSTER_BYTES, ClusterDigest.of(ByteBuffer.wrap(cluster))));
        }
    }

    /** Adds a sync point of all these drives, committed. */
    static void commit(ObjectStore store, String syncPoint, Completion completion, QemuChain... chains)
            throws Exception {
        TreeSet<DriveId> drives = new TreeSet<>();
        for (QemuChain each : chains) {
            drives.add(each.drive);
        }
        Membership membership = new Membership(new SyncPointId(syncPoint), drives, completion);
        TreeMap<DriveId, ManifestRef> manifests = new TreeMap<>();
        for (QemuChain each : chains) {
            manifests.put(each.drive, each.backUp(membership));
        }
        if (completion == Completion.GROUPED) {
            new Decisions(store)
                    .decide(new UnitId(membership.syncPoint(), Optional.empty()), new Verdict.Committed(manifests));
            return;
        }
        for (var entry : manifests.entrySet()) {
            new Decisions(store)
                    .decide(
                            membership.unitOf(entry.getKey()),
                            new Verdict.Committed(new TreeMap<>(Map.of(entry.getKey(), entry.getValue()))));
        }
    }

    private static String run(List<String> command) throws Exception {
        Process process = new ProcessBuilder(command).redirectErrorStream(true).start();
        String output = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
        assertEquals(0, process.waitFor(), () -> String.join(" ", command) + ": " + output);
        return output;
    }
}
