package io.varve.capture.qmp;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.varve.core.Seeds;
import java.io.IOException;
import java.lang.management.ManagementFactory;
import java.lang.management.MemoryMXBean;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** A hundred thousand inputs of clients that are wrong, broken or hostile, to an agent with real drives. */
class QmpFuzzTest {
    private static final int CLIENTS = 4;
    private static final int INPUTS = 100_000;
    private static final Duration PATIENCE = Duration.ofSeconds(10);
    private static final long GROWTH_BYTES_MAX = 16 << 20;

    @Test
    void shouldAnswerWhateverComes(@TempDir Path folder) {
        Seeds.forEach(1, random -> {
            try (LiveAgent live = LiveAgent.start(folder, 1 << 20, "drive0", "drive1")) {
                send(live, folder, random, INPUTS / 10);
                long before = usedBytes();

                send(live, folder, random, INPUTS - INPUTS / 10);

                assertHeapIsWithin(before + GROWTH_BYTES_MAX);
                assertStillWorks(live);
            } catch (IOException | InterruptedException e) {
                throw new AssertionError(e);
            }
        });
    }

    private static void send(LiveAgent live, Path folder, SplittableRandom random, int inputs)
            throws InterruptedException {
        try (ExecutorService clients = Executors.newFixedThreadPool(CLIENTS)) {
            List<Callable<Boolean>> all = new ArrayList<>();
            for (int number = 0; number < CLIENTS; number++) {
                SplittableRandom own = random.split();
                all.add(() -> {
                    new QmpFuzzClient(live.qmp, own, folder).send(inputs / CLIENTS);
                    return true;
                });
            }
            for (Future<Boolean> client : clients.invokeAll(all)) {
                assertEquals(Future.State.SUCCESS, client.state(), () -> String.valueOf(client.exceptionNow()));
            }
        }
    }

    private static void assertStillWorks(LiveAgent live) throws IOException {
        try (QmpClient monitor = live.monitor()) {
            assertEquals(2, monitor.run("{'execute': 'query-block'}").size());
        }
    }

    /** Monitors that were left take a while to go. */
    private static void assertHeapIsWithin(long limitBytes) {
        long deadline = System.nanoTime() + PATIENCE.toNanos();
        long used = usedBytes();
        while (used > limitBytes && System.nanoTime() < deadline) {
            used = usedBytes();
        }
        long least = used;
        assertTrue(least <= limitBytes, () -> "the heap grew by " + (least - limitBytes + GROWTH_BYTES_MAX) + " bytes");
    }

    /** What can be reached. */
    private static long usedBytes() {
        MemoryMXBean memory = ManagementFactory.getMemoryMXBean();
        long least = Long.MAX_VALUE;
        for (int round = 0; round < 3; round++) {
            memory.gc();
            least = Math.min(least, memory.getHeapMemoryUsage().getUsed());
        }
        return least;
    }
}
