package io.varve.capture.qmp;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.varve.core.Seeds;
import io.varve.core.Tool;
import io.varve.embedded.stack.ChildProcess;
import io.varve.transfer.nbd.Durability;
import io.varve.transfer.nbd.NbdClient;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.SplittableRandom;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** An agent that's killed around a {@code blockdev-snapshot-sync}, while a guest writes. */
@Timeout(180)
class SnapshotKillTest {
    private static final int CLUSTER_BYTES = 65_536;
    private static final int CLUSTERS = 256;
    private static final String SNAPSHOT = "{\"execute\": \"blockdev-snapshot-sync\", \"arguments\":"
            + " {\"device\": \"drive0\", \"snapshot-file\": \"@/top\"}}";

    @TempDir
    private Path folder;

    private String file(String name) {
        return folder.resolve(name).toString();
    }

    @Test
    void shouldKeepAllThatWasAcknowledgedWheneverItsKilled() {
        Seeds.forEach(4, random -> {
            try {
                attempt(random);
            } catch (IOException e) {
                throw new IllegalStateException(e);
            } catch (RuntimeException e) {
                throw e;
            } catch (Exception e) {
                throw new IllegalStateException(e);
            }
        });
    }

    private void attempt(SplittableRandom random) throws Exception {
        Files.deleteIfExists(folder.resolve("top"));
        Tool.run("qemu-img", "create", "-f", "qcow2", file("drive.qcow2"), String.valueOf(CLUSTERS * CLUSTER_BYTES))
                .success();
        AtomicInteger written = new AtomicInteger();
        int atSnapshot = 20 + random.nextInt(40);
        boolean isAnswered = random.nextBoolean();
        try (ChildProcess child = ImageAgent.startChild(folder, "drive.qcow2");
                NbdClient guest = ImageAgent.connect(folder);
                QmpClient monitor = ImageAgent.monitor(folder)) {
            JsonNode _ = monitor.run("{'execute': 'block-dirty-bitmap-add', 'arguments': {'node': 'drive0',"
                    + " 'name': 'b', 'persistent': true}}");
            CompletableFuture<Void> writes = CompletableFuture.runAsync(() -> write(guest, written));
            await(written, writes, atSnapshot);
            String snapshot = SNAPSHOT.replace("@", folder.toString());
            if (isAnswered) {
                JsonNode _ = monitor.run(snapshot);
            } else {
                monitor.sendOnly(snapshot.getBytes(StandardCharsets.UTF_8));
            }
            await(written, writes, atSnapshot + random.nextInt(20));
            child.killNow();
            writes.join();
        }
        check(written.get(), isAnswered);
    }

    /** One cluster after the other, until the agent is gone. */
    private static void write(NbdClient guest, AtomicInteger written) {
        try {
            while (written.get() < CLUSTERS) {
                ByteBuffer data = ByteBuffer.allocate(CLUSTER_BYTES);
                data.put(0, (byte) 1);
                guest.write((long) written.get() * CLUSTER_BYTES, data, Durability.CACHED);
                int _ = written.incrementAndGet();
            }
        } catch (IOException e) {
            // It was killed: what was acknowledged so far counts.
        }
    }

    private static void await(AtomicInteger written, CompletableFuture<Void> writes, int goal) {
        while (written.get() < goal && !writes.isDone()) {
            Thread.onSpinWait();
        }
    }

    private void check(int written, boolean isAnswered) throws Exception {
        // An overlay that was begun, and isn't whole, has never been under the drive.
        boolean hasOverlay = Files.exists(folder.resolve("top"))
                && Tool.run("qemu-img", "info", file("top")).exitCode() == 0;
        assertTrue(hasOverlay || !isAnswered, "the overlay is there when that was answered");
        String image = hasOverlay ? "top" : "drive.qcow2";
        Tool.run("qemu-img", "convert", "-O", "raw", file(image), file("all.raw"))
                .success();
        byte[] seen = Files.readAllBytes(folder.resolve("all.raw"));
        byte[] expected = new byte[CLUSTERS];
        byte[] found = new byte[CLUSTERS];
        for (int cluster = 0; cluster < CLUSTERS; cluster++) {
            expected[cluster] = (byte) (cluster < written ? 1 : 0);
            // The write that was under way may be there or not.
            found[cluster] = cluster == written ? 0 : seen[cluster * CLUSTER_BYTES];
        }
        assertArrayEquals(expected, found);

        try (ImageAgent agent = ImageAgent.start(folder, image);
                QmpClient monitor = agent.monitor()) {
            agent.guest("read -P 0 " + (CLUSTERS - 1) * (long) CLUSTER_BYTES + " 64k");
            checkBitmaps(monitor.run("{'execute': 'query-named-block-nodes'}"), written, hasOverlay);
        }
    }

    /** A bitmap has all that was written to its image, or says that it can't be used. */
    private void checkBitmaps(JsonNode nodes, int written, boolean hasOverlay) throws Exception {
        int found = 0;
        for (JsonNode node : nodes) {
            for (JsonNode bitmap : node.path("dirty-bitmaps")) {
                found++;
                boolean isOfBase = node.path("file").asText().equals(file("drive.qcow2"));
                long own = isOfBase && hasOverlay ? ownClusters("drive.qcow2") : written;
                boolean isRight = bitmap.path("count").asLong() >= own * CLUSTER_BYTES;
                assertTrue(isRight || bitmap.path("inconsistent").asBoolean(), node::toString);
            }
        }
        assertTrue(found > 0, nodes::toString);
        if (!hasOverlay) {
            assertEquals(1, found);
        }
    }

    private long ownClusters(String image) throws Exception {
        JsonNode map = new ObjectMapper()
                .readTree(Tool.run("qemu-img", "map", "--output=json", file(image))
                        .success());
        long bytes = 0;
        for (JsonNode extent : map) {
            bytes += extent.path("data").asBoolean() ? extent.path("length").asLong() : 0;
        }
        return bytes / CLUSTER_BYTES;
    }
}
