package io.varve.sink;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.varve.archive.Catalog;
import io.varve.archive.Manifests;
import io.varve.archive.SyncPoint;
import io.varve.archive.store.ObjectStore;
import io.varve.core.Tool;
import io.varve.core.bits.Granularity;
import io.varve.core.bits.Marks;
import io.varve.core.commit.ManifestRef;
import io.varve.core.commit.Outcome;
import io.varve.core.commit.Outcome.Retry;
import io.varve.core.commit.Task;
import io.varve.core.commit.Verdict;
import io.varve.core.drive.Anchor;
import io.varve.core.drive.FullCause;
import io.varve.core.id.SyncPointId;
import io.varve.schemas.CatalogEntry;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.SplittableRandom;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.stream.Collectors;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** From tasks in the queue to a chain in the bucket, which the real qemu-img opens. */
@Timeout(180)
class SinkChainTest {
    private static final long SIZE_BYTES = (24 << 20) + 512;

    @TempDir
    private static Path folder;

    private static SinkStack stack;

    @BeforeAll
    static void start() throws Exception {
        stack = SinkStack.start(folder.resolve("stack"));
    }

    @AfterAll
    static void stop() {
        stack.close();
    }

    @Test
    void shouldArchiveAChainThatQemuOpens() throws Exception {
        SplittableRandom random = new SplittableRandom(7);
        Orders orders = new Orders("vda", SIZE_BYTES);
        Disk disk = Disk.create(folder.resolve("vda.raw"), SIZE_BYTES);
        List<Path> states = new ArrayList<>();
        Optional<Anchor> parent = Optional.empty();

        try (SinkRole _ = stack.sink(2)) {
            for (int sequence = 0; sequence < 4; sequence++) {
                // Nothing is written before the last one.
                Marks marks = disk.scribble(sequence == 3 ? 0 : 40, random);
                states.add(disk.freeze("vda-" + sequence + ".raw"));
                try (SnapshotServer server = SnapshotServer.raw(states.getLast(), "vda@sp-" + sequence)) {
                    Task.Copy task = parent.isEmpty()
                            ? orders.full("a-0", server.export())
                            : orders.increment("a-" + sequence, parent.get(), marks, server.export());
                    parent = Optional.of(archive(orders, task));
                }
            }
        }

        assertChain("vda/a-0/", "a-", states);
        stack.assertNoUploads("vda");
    }

    @Test
    void shouldTakeALargeCutFromTheExport() throws Exception {
        Path image = folder.resolve("vdb.qcow2");
        Path before = folder.resolve("vdb-0.raw");
        Path after = folder.resolve("vdb-1.raw");
        Tool.run("qemu-img", "create", "-f", "qcow2", image.toString(), "16M").success();
        Tool.run("qemu-io", "-f", "qcow2", image.toString(), "-c", "write -P 5 1M 3M")
                .success();
        Tool.run("qemu-img", "convert", "-f", "qcow2", "-O", "raw", image.toString(), before.toString())
                .success();
        Tool.run("qemu-img", "bitmap", "--add", "-g", "64k", image.toString(), "bitmap0")
                .success();
        Tool.run("qemu-io", "-f", "qcow2", image.toString(), "-c", "write -P 6 128k 4k", "-c", "write -z 2M 1M")
                .success();
        Tool.run("qemu-img", "convert", "-f", "qcow2", "-O", "raw", image.toString(), after.toString())
                .success();
        Orders orders = new Orders("vdb", 16 << 20);
        Marks marks = Marks.none(Granularity.DEFAULT, 16 << 20);
        marks.mark(128 << 10, 4 << 10);
        marks.mark(2 << 20, 1 << 20);

        try (SinkRole _ = stack.sink(1)) {
            Anchor full;
            try (SnapshotServer server = SnapshotServer.raw(before, "vdb@sp-0")) {
                full = archive(orders, orders.full("b-0", server.export()));
            }
            try (SnapshotServer server = SnapshotServer.qcow2(image, "bitmap0", "vdb@sp-1")) {
                Marks others = Marks.none(Granularity.DEFAULT, 16 << 20);
                others.mark(0, 1);
                Task.Copy wrong = orders.incrementWithoutCut("b-x", full, others, server.export());
                stack.send(wrong);
                Outcome.CopyFailed failed = stack.awaitFailure(wrong);
                assertEquals(Retry.POINTLESS, failed.retry());
                assertTrue(failed.reason().contains(others.digest().hex()), failed.reason());
                archive(orders, orders.incrementWithoutCut("b-1", full, marks, server.export()));
            }
        }

        assertChain("vdb/b-0/", "b-", List.of(before, after));
    }

    @Test
    void shouldObeyTheOneDecision() throws Exception {
        Disk disk = Disk.create(folder.resolve("vdc.raw"), 1 << 20);
        Orders orders = new Orders("vdc", 1 << 20);
        try (SinkRole _ = stack.sink(2);
                SnapshotServer server = SnapshotServer.raw(disk.raw(), "vdc@sp-0")) {
            Task.Copy task = orders.full("c-0", server.export());
            Outcome.Copied copied = stack.copy(task);

            stack.send(orders.commit(task, copied.manifest()));
            stack.send(orders.abort(task, "somebody gave up"));
            Verdict first = stack.awaitDecided(task).verdict();
            Outcome.Decided again = stack.decide(orders.abort(task, "too late"));

            assertEquals(first, again.verdict());
            // The unit is decided: a straggling attempt copies nothing.
            int objects = stack.keys("vdc/").size();
            stack.send(new Task.Copy(task.part(), 2));
            Task.Copy marker = orders.full("c-marker", server.export());
            stack.copy(marker);
            assertEquals(objects + 3, stack.keys("vdc/").size());
            assertEquals(
                    Set.of(first),
                    stack.heard().stream()
                            .filter(outcome -> outcome instanceof Outcome.Decided decided
                                    && decided.unit().equals(task.unit()))
                            .map(outcome -> ((Outcome.Decided) outcome).verdict())
                            .collect(Collectors.toSet()));
        }
    }

    @Test
    void shouldAnswerARepeatedTaskWithoutAnotherCopy() throws Exception { // I10: sinks that were away find many repeats
        Disk disk = Disk.create(folder.resolve("again.raw"), 1 << 20);
        Orders orders = new Orders("again", 1 << 20);
        try (SinkRole _ = stack.sink(1);
                SnapshotServer server = SnapshotServer.raw(disk.raw(), "again@sp")) {
            Task.Copy task = orders.full("a-0", server.export());
            for (int repeat = 0; repeat < 4; repeat++) {
                stack.send(task);
            }
            List<Outcome.Copied> copied = stack.await(_ -> {
                List<Outcome.Copied> answers = stack.heard().stream()
                        .filter(outcome -> outcome instanceof Outcome.Copied one
                                && one.unit().equals(task.unit()))
                        .map(outcome -> (Outcome.Copied) outcome)
                        .toList();
                return answers.size() == 4 ? Optional.of(answers) : Optional.empty();
            });

            assertEquals(3, stack.keys("again/").size());
            assertEquals(Set.of(copied.getFirst()), Set.copyOf(copied));
            assertInstanceOf(
                    Verdict.Committed.class,
                    stack.decide(orders.commit(task, copied.getLast().manifest()))
                            .verdict());
        }
    }

    @Test
    void shouldTellInTheManifestWhyAFullBackupWasntAskedFor() throws Exception {
        Disk disk = Disk.create(folder.resolve("told.raw"), 1 << 20);
        Orders orders = new Orders("told", 1 << 20);
        try (SinkRole _ = stack.sink(1);
                SnapshotServer server = SnapshotServer.raw(disk.raw(), "told@sp");
                ObjectStore store = stack.store()) {
            ManifestRef asked = stack.copy(orders.full("t-0", server.export())).manifest();
            ManifestRef unasked = stack.copy(orders.unasked("t-1", FullCause.MARKS_LOST, server.export()))
                    .manifest();

            Manifests manifests = new Manifests(store);
            assertEquals(Optional.empty(), manifests.read(asked).fullCause());
            assertEquals(
                    Optional.of(FullCause.MARKS_LOST), manifests.read(unasked).fullCause());
        }
    }

    @Test
    void shouldCommitAGroupAsOne() throws Exception {
        Disk disk = Disk.create(folder.resolve("group.raw"), 1 << 20);
        Orders one = new Orders("one", 1 << 20);
        Orders two = new Orders("two", 1 << 20);
        try (SinkRole _ = stack.sink(2);
                SnapshotServer server = SnapshotServer.raw(disk.raw(), "group")) {
            Task.Copy first = one.grouped("g-0", List.of(one, two), server.export());
            Task.Copy second = two.grouped("g-0", List.of(one, two), server.export());
            stack.send(first);
            stack.send(second);
            ManifestRef ofOne = stack.awaitCopied(first).manifest();
            ManifestRef ofTwo = stack.awaitCopied(second).manifest();
            Verdict all = new Verdict.Committed(new TreeMap<>(Map.of(one.drive(), ofOne, two.drive(), ofTwo)));

            stack.send(new Task.Decide(first.unit(), all, new TreeSet<>(List.of(one.drive(), two.drive()))));

            for (Orders orders : List.of(one, two)) {
                Outcome decided = stack.await(outcome ->
                        outcome instanceof Outcome.Decided said && said.drive().equals(orders.drive())
                                ? Optional.of(said)
                                : Optional.empty());
                assertEquals(new Outcome.Decided(first.unit(), orders.drive(), all), decided);
            }
            assertOffered("g-", 0);
        }
    }

    /** Copies and commits. */
    private static Anchor archive(Orders orders, Task.Copy task) {
        Outcome.Copied copied = stack.copy(task);
        Outcome.Decided decided = stack.decide(orders.commit(task, copied.manifest()));
        assertInstanceOf(Verdict.Committed.class, decided.verdict());
        Anchor anchor = copied.manifest().anchor(task.part().mark());
        assertTrue(stack.catalog().contains(new CatalogEntry(orders.drive(), anchor, copied.storedBytes())));
        return anchor;
    }

    private static void assertChain(String prefix, String syncPoints, List<Path> states) throws Exception {
        Path images = Files.createDirectory(folder.resolve("images-" + prefix.replace('/', '-')));
        stack.download(prefix, images);
        List<Path> chain;
        try (var files = Files.list(images)) {
            chain = files.sorted().toList();
        }
        assertEquals(states.size(), chain.size());
        for (int sequence = 0; sequence < states.size(); sequence++) {
            SinkStack.assertSame(chain.get(sequence), states.get(sequence));
            assertOffered(syncPoints, sequence);
        }
    }

    private static void assertOffered(String syncPoints, int sequence) throws Exception {
        try (ObjectStore store = stack.store()) {
            SyncPoint found = new Catalog(store)
                    .find(new SyncPointId(syncPoints + sequence))
                    .orElseThrow();
            assertInstanceOf(SyncPoint.State.Committed.class, found.state());
        }
    }
}
