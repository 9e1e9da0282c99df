package io.varve.cli.handover;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.varve.capture.tracking.MemoryBacked;
import io.varve.cli.qmp.QmpClient;
import java.io.IOException;
import java.io.InputStream;
import java.io.RandomAccessFile;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.BitSet;
import java.util.Optional;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Planned hand-overs between two agents while a guest writes. {@code -Dvarve.handovers=100} does more of them. */
class HandoverTest {
    private static final int HANDOVERS = Integer.getInteger("varve.handovers", 8);
    private static final long SIZE_BYTES = 256 << 20;

    @TempDir(factory = MemoryBacked.class)
    Path directory;

    private final long seed = Long.getLong("varve.seed", 1L);
    private final SplittableRandom random = new SplittableRandom(seed);

    @Test
    void shouldLoseNoClusterInPlannedHandoversUnderWrites() throws Exception { // I1, I3, I4
        Path first = image("first.raw");
        Path second = image("second.raw");
        try (TestAgent a = TestAgent.in(directory.resolve("a"), first, "").start();
                TestAgent b = TestAgent.in(directory.resolve("b"), second, ",incoming=on")
                        .start();
                RestlessGuest guest = new RestlessGuest(SIZE_BYTES, random.split())) {
            a.addBitmap("all");
            a.addBitmap("round");
            guest.goTo(a.export());
            TestAgent from = a;
            TestAgent to = b;
            Path image = first;
            for (int number = 0; number < HANDOVERS; number++) {
                String which = "seed " + seed + ", hand-over " + number;
                image = round(from, to, image, which, guest);
                TestAgent next = from;
                from = to;
                to = next;
            }
            guest.close();
            checkImage(image, from.content("all"));
            System.out.println(HANDOVERS + " planned hand-overs, " + guest.writes() + " writes, seed " + seed
                    + ": no cluster lost");
        }
    }

    /** @return where the drive's image is then */
    private Path round(TestAgent from, TestAgent to, Path image, String which, RestlessGuest guest) throws Exception {
        guest.beginAnew();
        var _ = from.qmp("block-dirty-bitmap-clear", "{'node':'disk0','name':'round'}");
        guest.awaitWrites(1 + random.nextInt(40));
        change(from);
        guest.awaitWrites(1 + random.nextInt(40));
        guest.allow(100);
        Path now = image;
        boolean isCopied = random.nextBoolean();
        if (isCopied) {
            assertInstanceOf(HandoverRun.End.Released.class, new Move(from, to, image, false).run(true, guest), which);
            now = image.resolveSibling(image.endsWith("first.raw") ? "second.raw" : "first.raw");
            copy(image, now);
        }
        assertInstanceOf(HandoverRun.End.Done.class, new Move(from, to, now, isCopied).run(false, guest), which);
        guest.awaitWrites(1 + random.nextInt(20));
        check(to, "round", guest, which);
        return now;
    }

    private static void copy(Path image, Path copy) throws IOException, InterruptedException {
        int exit = new ProcessBuilder("cp", "--sparse=always", image.toString(), copy.toString())
                .inheritIO()
                .start()
                .waitFor();
        assertEquals(0, exit);
    }

    /** Something that makes generations: bitmaps come and go, and are backed up. */
    private void change(TestAgent agent) throws IOException, InterruptedException {
        String name = "b" + random.nextInt(3);
        boolean isThere = agent.qmp("query-block", "{}").toString().contains("\"" + name + "\"");
        if (!isThere) {
            agent.addBitmap(name);
        } else {
            var _ = agent.qmp(
                    random.nextBoolean() ? "block-dirty-bitmap-clear" : "block-dirty-bitmap-remove",
                    "{'node':'disk0','name':'" + name + "'}");
        }
    }

    /** A hand-over of the drive with its image at {@code image}. */
    private record Move(TestAgent from, TestAgent to, Path image, boolean isCopied) {
        HandoverRun.End run(boolean isReleaseOnly, RestlessGuest guest) throws IOException, InterruptedException {
            var terms = new HandoverRun.Terms(
                    to.qmp().toString(), isCopied, Optional.of("disk0=" + image), isReleaseOnly, false);
            try (QmpClient source = from.monitor();
                    QmpClient target = to.monitor()) {
                return new HandoverRun(
                                new AgentDrive(source, TestAgent.DRIVE),
                                new AgentDrive(target, TestAgent.DRIVE),
                                terms,
                                step -> follow(step, to, guest))
                        .run();
            }
        }
    }

    /** The guest goes on as soon as the target serves, before the bitmaps have come. */
    private static void follow(String step, TestAgent to, RestlessGuest guest) {
        if (step.equals("the target serves it")) {
            guest.goTo(to.export());
            guest.allow(20);
        }
    }

    /** The bitmap holds what was written since the guest began anew, and nothing else. */
    static void check(TestAgent agent, String bitmap, RestlessGuest guest, String which) throws Exception {
        BitSet acknowledged = guest.acknowledged();
        BitSet content = agent.content(bitmap);
        BitSet begun = guest.begun();
        BitSet lost = (BitSet) acknowledged.clone();
        lost.andNot(content);
        assertTrue(lost.isEmpty(), () -> which + ": clusters without a mark: " + lost);
        content.andNot(begun);
        assertTrue(content.isEmpty(), () -> which + ": clusters that nobody wrote: " + content);
        assertEquals(false, agent.bitmap(bitmap).path("busy").asBoolean(), which);
        assertTrue(agent.bitmap(bitmap).path("inconsistent").isMissingNode(), which);
    }

    private static void checkImage(Path image, BitSet content) throws IOException {
        byte[] zeroes = new byte[TestAgent.CLUSTER_BYTES];
        try (InputStream bytes = Files.newInputStream(image)) {
            for (int cluster = 0; cluster < SIZE_BYTES / TestAgent.CLUSTER_BYTES; cluster++) {
                boolean isWritten = !Arrays.equals(bytes.readNBytes(TestAgent.CLUSTER_BYTES), zeroes);
                assertTrue(!isWritten || content.get(cluster), "cluster " + cluster + " was written without a mark");
            }
        }
    }

    private Path image(String name) throws IOException {
        Path image = directory.resolve(name);
        try (RandomAccessFile file = new RandomAccessFile(image.toFile(), "rw")) {
            file.setLength(SIZE_BYTES);
        }
        return image;
    }
}
