package io.varve.cli.acceptance;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import io.varve.cli.stack.Member;
import io.varve.cli.stack.StackRole;
import io.varve.transfer.nbd.Durability;
import io.varve.transfer.nbd.NbdClient;
import io.varve.transfer.nbd.NbdClientOptions;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.SplittableRandom;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Supplier;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * {@code kill -9} of each part at its worst moment: afterwards the backup is committed, or aborted with its bits kept;
 * the next one is right in any case, and there is never half a sync point.
 */
class KillTest {
    private static final Duration PATIENCE = Duration.ofSeconds(90);
    private static final int AGENT_KILLS = 3;

    @TempDir
    static Path folder;

    private static TestStack stack;

    @BeforeAll
    static void start() throws Exception {
        stack = TestStack.start(folder);
        stack.qemuIo("drive0", "write -P 0x11 0 24M", "flush");
        stack.qemuIo("drive1", "write -P 0x12 8M 24M", "flush");
        JsonNode full = stack.backup("--grouped");
        assertTrue(isCommitted(full), full::toString);
    }

    @AfterAll
    static void stop() throws Exception {
        stack.close();
    }

    @Test
    void shouldGoOnAfterAKillOfTheSinkInMidUpload() throws Exception {
        write(0x21);
        stack.proxy().hold(line -> line.startsWith("PUT") && line.contains("/drive1/"));
        CompletableFuture<JsonNode> backup = begin();
        stack.proxy().awaitHeld();

        Member sink = stack.stack().role(StackRole.SINK).orElseThrow();
        sink.killNow();
        stack.proxy().release();

        settled(backup);
    }

    @Test
    void shouldGoOnAfterAKillOfStreams() throws Exception {
        write(0x31);
        stack.proxy().hold(line -> line.startsWith("PUT") && line.contains("/drive0/"));
        CompletableFuture<JsonNode> backup = begin();
        stack.proxy().awaitHeld();

        stack.stack().role(StackRole.STREAMS).orElseThrow().killNow();
        stack.proxy().release();

        settled(backup);
    }

    @Test
    void shouldGoOnAfterAKillOfTheBroker() throws Exception {
        write(0x41);
        stack.proxy().hold(line -> line.startsWith("PUT") && line.contains("/drive0/"));
        CompletableFuture<JsonNode> backup = begin();
        stack.proxy().awaitHeld();

        stack.stack().broker().killNow();
        stack.proxy().release();

        settled(backup);
    }

    // I1, I2
    @Test
    void shouldMissNoMarkAfterAKillOfTheAgentInMidWrite() throws Exception {
        SplittableRandom random = new SplittableRandom(11);
        for (int round = 0; round < AGENT_KILLS; round++) {
            Member agent = stack.stack().role(StackRole.CAPTURE).orElseThrow();
            writeUntilKilled(agent, random.split());
            assertTrue(agent.awaitServing(PATIENCE), "the agent didn't come back");

            JsonNode backup = stack.backup("--grouped");

            assertTrue(isCommitted(backup), backup::toString);
            assertEquals(
                    "incremental", backup.path("drives").path(0).path("sync").asText(), backup::toString);
            stack.mustRestoreToTheImages(backup.path("sync-point").asText());
        }
    }

    private static void writeUntilKilled(Member agent, SplittableRandom random) throws Exception {
        AtomicInteger acked = new AtomicInteger();
        CompletableFuture<Void> ended = inBackground(() -> {
            try (NbdClient client =
                    NbdClient.connect(stack.stack().unixExport("drive0"), List.of(), NbdClientOptions.DEFAULT)) {
                while (true) {
                    byte[] data = new byte[512 * (1 + random.nextInt(256))];
                    random.nextBytes(data);
                    long offset = random.nextLong((TestStack.DRIVE_BYTES - data.length) / 512) * 512;
                    client.write(offset, ByteBuffer.wrap(data), Durability.CACHED);
                    acked.incrementAndGet();
                }
            } catch (IOException e) {
                // The agent is gone: that's what it is about.
                return null;
            }
        });
        while (acked.get() < 50 && !ended.isDone()) {
            Thread.onSpinWait();
        }
        agent.killNow();
        ended.join();
        assertTrue(acked.get() >= 50, () -> "only " + acked + " writes were acknowledged");
    }

    private static void write(int pattern) throws Exception {
        for (String drive : TestStack.DRIVES) {
            stack.qemuIo(drive, "write -P " + pattern + " 3M 12M", "flush");
        }
    }

    private static CompletableFuture<JsonNode> begin() {
        return inBackground(() -> {
            try {
                return stack.backup("--grouped");
            } catch (IOException e) {
                throw new UncheckedIOException(e);
            } catch (InterruptedException e) {
                throw new IllegalStateException(e);
            }
        });
    }

    /** The common pool has one thread on two cores, which others need. */
    private static <T> CompletableFuture<T> inBackground(Supplier<T> task) {
        return CompletableFuture.supplyAsync(
                task, run -> Thread.ofPlatform().daemon().name("in-background").start(run));
    }

    /** The backup ended whole or not at all, and the next one is right. */
    private static void settled(CompletableFuture<JsonNode> backup) throws Exception {
        JsonNode ended = backup.get(PATIENCE.toSeconds(), TimeUnit.SECONDS);
        if (isCommitted(ended)) {
            stack.mustRestoreToTheImages(ended.path("sync-point").asText());
        } else {
            ended.path("drives")
                    .forEach(
                            drive -> assertEquals("aborted", drive.path("state").asText(), ended::toString));
        }
        write(0x70);
        JsonNode next = stack.backup("--grouped");
        assertTrue(isCommitted(next), next::toString);
        stack.mustRestoreToTheImages(next.path("sync-point").asText());
    }

    private static boolean isCommitted(JsonNode backup) {
        boolean all = backup.path("drives").size() == TestStack.DRIVES.size();
        for (JsonNode drive : backup.path("drives")) {
            all &= drive.path("state").asText().equals("committed");
        }
        return all;
    }
}
