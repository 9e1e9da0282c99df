package io.varve.simulator;

import io.varve.archive.BackupName;
import io.varve.archive.DamagedArchiveException;
import io.varve.archive.Decisions;
import io.varve.archive.Manifest;
import io.varve.archive.Manifests;
import io.varve.archive.ObjectKeys;
import io.varve.archive.store.Sha256;
import io.varve.archive.store.StoredPart;
import io.varve.archive.store.StoredParts;
import io.varve.core.bits.Marks;
import io.varve.core.commit.ManifestRef;
import io.varve.core.commit.Outcome;
import io.varve.core.commit.Outcome.Retry;
import io.varve.core.commit.Task;
import io.varve.core.drive.Anchor;
import io.varve.core.drive.BackupKind;
import io.varve.core.drive.SyncPointMark;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;

/** A sink's copy of one drive: the parent, the point in time, the objects, the manifest, each in its own moment. */
final class Copying {
    private static final int GRANULES_A_READ = 8;
    private static final int WAITS_MAX = 200;
    private static final int PART_BYTES = 256;

    private final Sink sink;
    private final World world;
    private final Broker.Queued queued;
    private final Task.Copy task;
    private final SyncPointMark mark;
    private final Map<Long, long[]> content = new TreeMap<>();
    private final BackupName name;
    private int waits;

    Copying(Sink sink, Broker.Queued queued, Task.Copy task) {
        this.sink = sink;
        this.world = sink.world();
        this.queued = queued;
        this.task = task;
        this.mark = task.part().mark();
        int sequence = parent().map(anchor -> anchor.sequence() + 1).orElse(0);
        this.name = new BackupName(
                task.part().drive(),
                parent().map(Anchor::chain).orElse(mark.key().syncPoint()),
                sequence,
                world.schedule().id());
    }

    private Optional<Anchor> parent() {
        return switch (mark.kind()) {
            case BackupKind.Full _ -> Optional.empty();
            case BackupKind.Incremental(Optional<Anchor> anchor) -> anchor;
        };
    }

    private void next(Sink.Step step) {
        sink.after(world.schedule().between(1, 12), step, () -> fails("the store failed", Retry.WORTHWHILE));
    }

    void begin() {
        world.attempts().begins(name, task.unit());
        next(() -> {
            var decided = new Decisions(world.store()).find(task.unit());
            if (decided.isPresent()) {
                says(new Outcome.Decided(task.unit(), name.drive(), decided.get()));
            } else {
                next(this::checkParent);
            }
        });
    }

    private void checkParent() throws IOException {
        if (parent().isPresent()) {
            try {
                Anchor anchor = parent().get();
                var found = new Manifests(world.store())
                        .read(new ManifestRef(anchor.manifestKey(), anchor.manifestSha256()));
                if (!found.name().chain().equals(anchor.chain()) || found.name().sequence() != anchor.sequence()) {
                    fails("another parent than its anchor's", Retry.POINTLESS);
                    return;
                }
            } catch (DamagedArchiveException e) {
                fails("its parent is gone: " + e.getMessage(), Retry.POINTLESS);
                return;
            }
        }
        switch (mark.kind()) {
            case BackupKind.Full _ -> {
                List<Long> all = new ArrayList<>();
                for (long g = 0; g < PointInTime.GRANULE.granules(mark.sizeBytes()); g++) {
                    all.add(g);
                }
                next(() -> read(all));
            }
            case BackupKind.Incremental increment -> {
                Marks cut = task.part().cut().orElseThrow().unpack();
                if (cut.digest().equals(mark.cut().orElseThrow().digest())) {
                    next(() -> read(granules(cut)));
                } else {
                    fails("the cut has another digest than its mark's", Retry.POINTLESS);
                }
            }
        }
    }

    private static List<Long> granules(Marks cut) {
        List<Long> granules = new ArrayList<>();
        for (long g = cut.bits().nextSet(0); g >= 0; g = cut.bits().nextSet(g + 1)) {
            granules.add(g);
        }
        return granules;
    }

    private void read(List<Long> left) {
        Optional<PointInTime> snapshot = world.snapshot(name.drive(), mark.key());
        if (snapshot.isEmpty() || waits > WAITS_MAX) {
            fails("the snapshot is gone", Retry.POINTLESS);
        } else if (!snapshot.get().isReadable()) {
            waits++;
            next(() -> read(left));
        } else if (left.isEmpty()) {
            next(this::put);
        } else {
            List<Long> some = left.subList(0, Math.min(GRANULES_A_READ, left.size()));
            for (long granule : some) {
                Optional<long[]> blocks = snapshot.get().read(granule);
                if (blocks.isEmpty()) {
                    fails("the snapshot can't be read", Retry.POINTLESS);
                    return;
                }
                content.put(granule, blocks.get());
            }
            next(() -> read(left.subList(some.size(), left.size())));
        }
    }

    private void put() throws IOException {
        byte[] data = Archived.write(content);
        if (!world.rules().uploadsAlone()) {
            resume(data);
            return;
        }
        byte[] sums = sums(data);
        if (world.rules().dataBeforeManifest()) {
            world.store().put(ObjectKeys.data(name), ByteBuffer.wrap(data));
            next(() -> {
                world.store().put(ObjectKeys.sums(name), ByteBuffer.wrap(sums));
                next(() -> publish(manifest(data, sums), () -> {}));
            });
        } else {
            // The length is there, the content isn't yet.
            world.store().put(ObjectKeys.data(name), ByteBuffer.allocate(data.length));
            world.store().put(ObjectKeys.sums(name), ByteBuffer.wrap(sums));
            next(() -> publish(
                    manifest(data, sums), () -> world.store().put(ObjectKeys.data(name), ByteBuffer.wrap(data))));
        }
    }

    /** Goes on with whatever parts are there under the key, as if they were its own. */
    private void resume(byte[] data) {
        List<byte[]> parts = world.attempts().shared(name);
        int from = parts.size() * PART_BYTES;
        if (from < data.length) {
            parts.add(Arrays.copyOfRange(data, from, Math.min(data.length, from + PART_BYTES)));
            next(() -> resume(data));
            return;
        }
        ByteArrayOutputStream object = new ByteArrayOutputStream();
        parts.forEach(object::writeBytes);
        parts.clear();
        next(() -> {
            byte[] sums = sums(data);
            world.store().put(ObjectKeys.data(name), ByteBuffer.wrap(object.toByteArray()));
            world.store().put(ObjectKeys.sums(name), ByteBuffer.wrap(sums));
            next(() -> publish(manifest(data, sums), () -> {}));
        });
    }

    private static byte[] sums(byte[] data) {
        return Sha256.of(data).hex().getBytes(StandardCharsets.US_ASCII);
    }

    private Manifest manifest(byte[] data, byte[] sums) {
        return new Manifest(
                name,
                new Manifest.Membership(mark.key().syncPoint(), mark.participants(), mark.completion()),
                parent().map(anchor -> new ManifestRef(anchor.manifestKey(), anchor.manifestSha256())),
                mark.kind().fullCause(),
                new Manifest.Image(mark.sizeBytes(), (int) PointInTime.GRANULE.bytes()),
                mark.cut()
                        .map(cut -> new Manifest.CutProof(
                                cut.bitmap(),
                                new Manifest.Generations(task.part().journal(), cut.generations()),
                                new Manifest.Dirt(cut.granularity(), cut.dirtyBytes(), cut.digest()))),
                new Manifest.DataObject(
                        ObjectKeys.data(name),
                        new StoredParts(List.of(new StoredPart(data.length, Sha256.of(data)))),
                        content.size() * PointInTime.GRANULE.bytes()),
                new Manifest.SumsObject(ObjectKeys.sums(name), sums.length, Sha256.of(sums)),
                Instant.ofEpochMilli(Math.max(0, world.wallMillis())),
                Optional.empty());
    }

    private void publish(Manifest manifest, Sink.Step after) throws IOException {
        ManifestRef ref;
        try {
            ref = new Manifests(world.store()).publish(manifest);
        } catch (DamagedArchiveException e) {
            fails(String.valueOf(e.getMessage()), Retry.WORTHWHILE);
            return;
        }
        says(new Outcome.Copied(
                task.unit(), name.drive(), task.attempt(), ref, manifest.data().lengthBytes()));
        sink.after(world.schedule().between(1, 50), after, () -> {});
    }

    private void fails(String reason, Retry retry) {
        says(new Outcome.CopyFailed(task.unit(), name.drive(), task.attempt(), reason, retry));
    }

    private void says(Outcome outcome) {
        world.broker().say(outcome);
        world.broker().acknowledge(queued);
        sink.isFree();
    }
}
