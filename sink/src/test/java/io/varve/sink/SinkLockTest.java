package io.varve.sink;

import static org.junit.jupiter.api.Assertions.assertEquals;

import io.varve.core.commit.Outcome;
import io.varve.core.commit.Task;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.SplittableRandom;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** Tasks that take longer than their lock, and many of them: none is lost, none is done twice. */
@Timeout(240)
class SinkLockTest {
    private static final long SIZE_BYTES = 16 << 20;

    /** The shortest that a broker allows by default. */
    private static final Duration LOCK = Duration.ofSeconds(15);

    @TempDir
    private static Path folder;

    private static SinkStack stack;

    @BeforeAll
    static void start() throws Exception {
        stack = SinkStack.start(folder.resolve("stack"));
        stack.lockFor(LOCK);
    }

    @AfterAll
    static void stop() {
        stack.close();
    }

    @Test
    void shouldKeepALongTaskAndLoseNoOther() throws Exception {
        Disk disk = Disk.create(folder.resolve("disk.raw"), SIZE_BYTES);
        disk.fill(0, SIZE_BYTES, new SplittableRandom(1));
        List<Task.Copy> tasks = new ArrayList<>();
        try (SinkRole _ = stack.sink(1);
                SnapshotServer server = SnapshotServer.raw(disk.raw(), "disk@sp");
                GatedProxy gate = GatedProxy.start(server)) {
            Task.Copy slow = new Orders("slow", SIZE_BYTES).full("sp-slow", gate.export());
            tasks.add(slow);
            for (int number = 0; number < 7; number++) {
                tasks.add(new Orders("quick-" + number, SIZE_BYTES).full("sp-" + number, server.export()));
            }

            stack.send(slow);
            long beats = 2 * LOCK.dividedBy(SinkConfig.DEFAULT_HEARTBEAT) + 2;
            for (int beat = 1; beat <= beats; beat++) {
                gate.admit(1 << 20);
                stack.awaitProgress(slow, beat);
                if (beat == 1) {
                    tasks.subList(1, tasks.size()).forEach(stack::send);
                }
            }
            gate.open();
            tasks.forEach(stack::awaitCopied);
        }

        // What another sink is given shows what was left or would come again: nothing but its own task.
        try (SinkRole _ = stack.sink(1);
                SnapshotServer server = SnapshotServer.raw(disk.raw(), "disk@sp")) {
            Task.Copy last = new Orders("last", SIZE_BYTES).full("sp-last", server.export());
            stack.copy(last);
            tasks.add(last);
        }
        assertEachCopiedOnce(tasks);
    }

    private static void assertEachCopiedOnce(List<Task.Copy> tasks) throws Exception {
        List<String> copied = new ArrayList<>();
        Set<String> expected = new HashSet<>();
        stack.heard().forEach(outcome -> {
            if (outcome instanceof Outcome.Copied one) {
                copied.add(one.unit().toString());
            }
        });
        for (Task.Copy task : tasks) {
            expected.add(task.unit().toString());
            assertEquals(3, stack.keys(task.part().drive() + "/").size(), "one attempt's objects");
        }
        assertEquals(expected, new HashSet<>(copied));
        assertEquals(expected.size(), copied.size(), copied::toString);
    }
}
