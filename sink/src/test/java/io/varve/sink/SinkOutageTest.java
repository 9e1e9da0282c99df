package io.varve.sink;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;

import io.varve.core.commit.Outcome;
import io.varve.core.commit.Outcome.Retry;
import io.varve.core.commit.Task;
import io.varve.core.commit.Verdict;
import java.nio.file.Path;
import java.util.SplittableRandom;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** Kafka or the store is away for a while: the role waits and goes on. */
@Timeout(180)
class SinkOutageTest {
    private static final long SIZE_BYTES = 32 << 20;

    @TempDir
    private Path folder;

    private SinkStack stack;
    private Disk disk;

    @BeforeEach
    void start() throws Exception {
        stack = SinkStack.start(folder.resolve("stack"));
        disk = Disk.create(folder.resolve("disk.raw"), SIZE_BYTES);
        disk.fill(0, SIZE_BYTES, new SplittableRandom(1));
    }

    @AfterEach
    void stop() {
        stack.close();
    }

    @Test
    void shouldTellWhatItDidWhileKafkaWasAway() throws Exception {
        Orders orders = new Orders("disk", SIZE_BYTES);
        try (SinkRole _ = stack.sink(1);
                SnapshotServer server = SnapshotServer.raw(disk.raw(), "disk@sp");
                GatedProxy gate = GatedProxy.start(server)) {
            Task.Copy task = orders.full("sp", gate.export());
            gate.admit(SIZE_BYTES / 2);
            stack.send(task);
            stack.awaitProgress(task, 2);

            stack.broker().killNow();
            gate.open();
            stack.awaitKeys("disk/", 3);
            stack.broker().restart();

            Outcome.Copied copied = stack.awaitCopied(task);
            Outcome.Decided decided = stack.decide(orders.commit(task, copied.manifest()));
            assertInstanceOf(Verdict.Committed.class, decided.verdict());
        }
    }

    @Test
    void shouldGoOnWhenTheStoreIsBack() throws Exception {
        Orders orders = new Orders("disk", SIZE_BYTES);
        try (SinkRole _ = stack.sink(1);
                SnapshotServer server = SnapshotServer.raw(disk.raw(), "disk@sp");
                GatedProxy gate = GatedProxy.start(server)) {
            Task.Copy task = orders.full("sp", gate.export());
            gate.admit(SIZE_BYTES / 2);
            stack.send(task);
            stack.awaitProgress(task, 2);

            stack.server().killNow();
            gate.open();
            Outcome.CopyFailed failed = stack.awaitFailure(task);
            assertEquals(Retry.WORTHWHILE, failed.retry(), failed.reason());

            Task.Decide early = orders.abort(orders.full("other", gate.export()), "a test");
            stack.send(early);
            stack.server().restart();
            assertInstanceOf(Verdict.Aborted.class, stack.awaitDecided(early).verdict());

            stack.send(new Task.Copy(task.part(), 2));
            Outcome.Copied copied = stack.awaitCopied(task);
            assertEquals(2, copied.attempt());
            assertInstanceOf(
                    Verdict.Committed.class,
                    stack.decide(orders.commit(task, copied.manifest())).verdict());
        }
    }
}
