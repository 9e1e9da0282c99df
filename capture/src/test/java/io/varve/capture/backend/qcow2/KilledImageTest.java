package io.varve.capture.backend.qcow2;

import static org.junit.jupiter.api.Assertions.assertTrue;

import io.varve.core.Tool;
import io.varve.embedded.stack.ChildProcess;
import io.varve.embedded.stack.JavaCommand;
import io.varve.embedded.stack.JvmOptions;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * What a kill at any moment leaves: leaks at most, and every write that had been completed, whether flushed or not.
 *
 * <p>{@code -Dvarve.qcow2.kills=100} kills more often.
 */
class KilledImageTest {
    private static final int ROUNDS = Integer.getInteger("varve.qcow2.kills", 20);
    private static final int[] CLUSTER_BYTES = {512, 4096, 65_536, 65_536};
    private static final int LEAKS_FOUND = 3;

    @TempDir(factory = InMemory.class)
    private Path folder;

    @Test
    void shouldLeaveLeaksAtMostAndEveryCompletedWriteWhenKilled() throws Exception {
        long seed = Long.getLong("varve.seed", 1L);
        SplittableRandom random = new SplittableRandom(seed);
        for (int round = 0; round < ROUNDS; round++) {
            String which = "seed " + seed + ", round " + round;
            Path own = Files.createDirectory(folder.resolve("round" + round));
            int clusterBytes = CLUSTER_BYTES[random.nextInt(CLUSTER_BYTES.length)];
            byte[] before = makeImage(own, clusterBytes, random);
            run(own, clusterBytes, random, which);

            Tool.Result check = Tool.run("qemu-img", "check", "-f", "qcow2", image(own));
            assertTrue(check.exitCode() == 0 || check.exitCode() == LEAKS_FOUND, () -> which + ": " + check.output());
            checkContent(own, before, which);
            Tool.run("qemu-img", "check", "-q", "-r", "leaks", "-f", "qcow2", image(own))
                    .success();
        }
    }

    private static String image(Path own) {
        return own.resolve("drive.qcow2").toString();
    }

    /** Empty, compressed, or with a backing file. */
    private static byte[] makeImage(Path own, int clusterBytes, SplittableRandom random) throws IOException {
        String options = "cluster_size=" + clusterBytes;
        byte[] before = TestImages.content(random, KilledImageMain.SIZE_BYTES);
        Path raw = Files.write(own.resolve("base.raw"), before);
        switch (random.nextInt(3)) {
            case 0 ->
                TestImages.qemuImg(
                        "convert", "-c", "-f", "raw", "-O", "qcow2", "-o", options, raw.toString(), image(own));
            case 1 ->
                TestImages.create(
                        Path.of(image(own)),
                        options + ",backing_file=base.raw,backing_fmt=raw",
                        KilledImageMain.SIZE_BYTES);
            default -> {
                TestImages.create(Path.of(image(own)), options, KilledImageMain.SIZE_BYTES);
                return new byte[KilledImageMain.SIZE_BYTES];
            }
        }
        return before;
    }

    private static void run(Path own, int clusterBytes, SplittableRandom random, String which) throws Exception {
        Path log = own.resolve("child.log");
        JavaCommand command = new JavaCommand(
                "writer",
                JvmOptions.small(64),
                JavaCommand.ownClassPath(),
                List.of(
                        KilledImageMain.class.getName(),
                        own.toString(),
                        Long.toString(random.nextLong()),
                        Integer.toString(clusterBytes)),
                Map.of());
        try (ChildProcess child = ChildProcess.start(command, log)) {
            String _ = child.awaitReady(Duration.ofSeconds(60));
            long goal = KilledImageMain.RECORD_BYTES * (2L + random.nextInt(3000));
            while (Files.size(KilledImageMain.log(own, 0)) < goal) {
                assertTrue(child.isAlive(), () -> which + ": it died by itself: " + text(log));
                Thread.onSpinWait();
            }
            child.killNow();
        }
    }

    private static String text(Path log) {
        try {
            return Files.readString(log);
        } catch (IOException e) {
            return e.toString();
        }
    }

    private static void checkContent(Path own, byte[] before, String which) throws Exception {
        Path after = own.resolve("after.raw");
        Tool.run("qemu-img", "convert", "-f", "qcow2", "-O", "raw", image(own), after.toString())
                .success();
        ByteBuffer found = ByteBuffer.wrap(Files.readAllBytes(after));
        ByteBuffer expected = ByteBuffer.wrap(before.clone());
        for (int thread = 0; thread < KilledImageMain.THREADS; thread++) {
            ByteBuffer log = ByteBuffer.wrap(Files.readAllBytes(KilledImageMain.log(own, thread)));
            while (log.remaining() >= KilledImageMain.RECORD_BYTES) {
                long step = log.getLong();
                long kind = log.getLong();
                int offset = (int) log.getLong();
                int length = (int) log.getLong();
                boolean isCompleted = log.remaining() >= KilledImageMain.RECORD_BYTES;
                long word = kind == KilledImageMain.WRITE ? KilledImageMain.word(thread, step) : 0;
                for (int place = offset;
                        kind != KilledImageMain.ENDED && place < offset + length;
                        place += Long.BYTES) {
                    // One that was in progress may have been done in part.
                    if (isCompleted || found.getLong(place) == word) {
                        expected.putLong(place, word);
                    }
                }
            }
        }
        int mismatch = expected.mismatch(found);
        assertTrue(mismatch < 0, () -> which + ": byte " + mismatch + " differs");
    }
}
