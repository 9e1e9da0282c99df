package io.varve.sink;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.varve.archive.Catalog;
import io.varve.archive.SyncPoint;
import io.varve.archive.store.ObjectStore;
import io.varve.core.Tool;
import io.varve.core.bits.Marks;
import io.varve.core.commit.Outcome;
import io.varve.core.commit.Task;
import io.varve.core.commit.Verdict;
import io.varve.core.drive.Anchor;
import io.varve.core.id.SyncPointId;
import io.varve.schemas.CatalogEntry;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.SplittableRandom;
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
            for (int sequence = 0; sequence < 3; sequence++) {
                Marks marks = disk.scribble(40, random);
                states.add(disk.freeze("vda-" + sequence + ".raw"));
                try (SnapshotServer server = SnapshotServer.raw(states.getLast(), "vda@sp-" + sequence)) {
                    Task.Copy task = parent.isEmpty()
                            ? orders.full("sp-0", server.export())
                            : orders.increment("sp-" + sequence, parent.get(), marks, server.export());
                    parent = Optional.of(archive(orders, task));
                }
            }
        }

        assertChain("vda/sp-0/", states);
        stack.assertNoUploads();
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

    private static void assertChain(String prefix, List<Path> states) throws Exception {
        Path images = Files.createDirectory(folder.resolve("images-" + prefix.replace('/', '-')));
        stack.download(prefix, images);
        List<Path> chain;
        try (var files = Files.list(images)) {
            chain = files.sorted().toList();
        }
        assertEquals(states.size(), chain.size());
        for (int sequence = 0; sequence < states.size(); sequence++) {
            String image = chain.get(sequence).toString();
            Tool.run("qemu-img", "check", "-f", "qcow2", image).success();
            assertEquals(
                    "Images are identical.",
                    Tool.run(
                                    "qemu-img",
                                    "compare",
                                    "-f",
                                    "qcow2",
                                    "-F",
                                    "raw",
                                    image,
                                    states.get(sequence).toString())
                            .success()
                            .strip());
            assertOffered("sp-" + sequence);
        }
    }

    private static void assertOffered(String syncPoint) throws Exception {
        try (ObjectStore store = stack.store()) {
            SyncPoint found =
                    new Catalog(store).find(new SyncPointId(syncPoint)).orElseThrow();
            assertInstanceOf(SyncPoint.State.Committed.class, found.state());
        }
    }
}
