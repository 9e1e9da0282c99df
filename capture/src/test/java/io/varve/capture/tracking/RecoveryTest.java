package io.varve.capture.tracking;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.varve.capture.backend.BackendAccess;
import io.varve.capture.backend.RawFileBackend;
import io.varve.core.bits.Extent;
import io.varve.core.bits.Marks;
import io.varve.core.drive.BitmapStatus;
import io.varve.core.drive.Completion;
import io.varve.core.drive.Recording;
import io.varve.core.drive.Trust;
import io.varve.core.fold.ReadingFold;
import io.varve.core.id.BitmapName;
import io.varve.core.id.DriveId;
import io.varve.core.transaction.Action;
import io.varve.embedded.stack.ChildProcess;
import io.varve.embedded.stack.JavaCommand;
import io.varve.embedded.stack.JvmOptions;
import java.io.IOException;
import java.io.RandomAccessFile;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.FileTime;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.SplittableRandom;
import java.util.UUID;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What an agent finds after its last run was killed, or its image was touched meanwhile. */
class RecoveryTest {
    /** Drives whose image is left alone, or not. */
    static final List<String> RESTING = List.of("alone", "swapped", "changed", "rolled-back", "grown", "shrunk");

    private static final int ROUNDS = 8;
    private static final List<Extent> BOTH = List.of(new Extent(0, 65_536), new Extent(131_072, 65_536));

    @TempDir
    Path directory;

    @Test
    void shouldFindAMarkOfEveryWriteThatHadBegunWhenTheAgentWasKilled() throws Exception { // I1, I2, reliability 6.18
        long seed = Long.getLong("varve.seed", 1L);
        SplittableRandom random = new SplittableRandom(seed);
        for (int round = 0; round < ROUNDS; round++) {
            try (ChildProcess child = start("write", random.nextLong())) {
                long goal = intentBytes() + KilledAgentMain.INTENT_BYTES * (20L + random.nextInt(600));
                while (intentBytes() < goal) {
                    assertTrue(child.isAlive(), () -> "the agent died by itself; its log is " + directory);
                    Thread.onSpinWait();
                }
                child.killNow();
            }
            if (random.nextBoolean() || round == ROUNDS - 1) {
                checkRecovered("seed " + seed + ", round " + round);
            }
        }
    }

    private void checkRecovered(String which) throws IOException {
        try (AgentFixture fixture = AgentFixture.open(directory)) {
            var _ = fixture.attach("disk0", KilledAgentMain.SIZE_BYTES);

            fixture.state("disk0")
                    .bitmaps()
                    .values()
                    .forEach(b -> assertInstanceOf(BitmapStatus.Idle.class, b.status(), () -> which + ": " + b));
            assertTrue(fixture.state("disk0").undecided().isEmpty(), which);
            ReadingFold reader = fixture.read("disk0");
            assertEquals(fixture.state("disk0"), reader.state(), which);
            assertEquals(Set.of(), reader.differing(), which);
            Marks all = fixture.content("disk0", "all");
            ByteBuffer intents = ByteBuffer.wrap(Files.readAllBytes(directory.resolve("intents")));
            while (intents.remaining() >= KilledAgentMain.INTENT_BYTES) {
                long offsetBytes = intents.getLong();
                int lengthBytes = intents.getInt();
                assertTrue(
                        all.bits().nextClear(offsetBytes >>> 16) > (offsetBytes + lengthBytes - 1) >>> 16,
                        () -> which + ": the write of " + lengthBytes + " bytes at " + offsetBytes + " has no mark");
            }
        }
    }

    @Test
    void shouldJoinTheGenerationWhoseSealWasUnderWay() throws Exception { // reliability 6.18
        try (ChildProcess child = start("seal", 1)) {
            child.killNow();
        }

        try (AgentFixture fixture = AgentFixture.open(directory)) {
            var _ = fixture.attach("disk0", KilledAgentMain.SIZE_BYTES);

            assertInstanceOf(
                    BitmapStatus.Idle.class, fixture.bitmap("disk0", "a").status());
            assertEquals(Optional.empty(), fixture.state("disk0").bitmap(new BitmapName("b")));
            assertEquals(
                    List.of(new Extent(0, 65_536), new Extent(131_072, 65_536), new Extent(262_144, 65_536)),
                    fixture.content("disk0", "a").extents());
            try (var left = Files.newDirectoryStream(directory.resolve("state/disk0"), "*.new")) {
                assertTrue(!left.iterator().hasNext());
            }
        }
    }

    @Test
    void shouldTellAnImageThatWasTouchedAfterTheAgentWasKilled() throws Exception { // reliability 6.9, 6.17
        try (ChildProcess child = start("rest", 1)) {
            child.killNow();
        }
        Path swapped = image("swapped");
        Files.move(swapped, image("old"));
        Files.copy(image("old"), swapped, java.nio.file.StandardCopyOption.COPY_ATTRIBUTES);
        write(image("changed"));
        Files.setLastModifiedTime(image("changed"), FileTime.fromMillis(System.currentTimeMillis() + 60_000));
        Files.setLastModifiedTime(image("rolled-back"), FileTime.fromMillis(1_000_000_000_000L));
        resize(image("grown"), KilledAgentMain.SIZE_BYTES + 65_536);
        resize(image("shrunk"), KilledAgentMain.SIZE_BYTES - 65_536);

        try (AgentFixture fixture = AgentFixture.open(directory)) {
            for (String drive : RESTING) {
                var _ = fixture.attach(drive, KilledAgentMain.SIZE_BYTES);
            }
            fixture.agent()
                    .attach(new DriveImage(
                            new DriveId("device"),
                            Path.of("/dev/null"),
                            RawFileBackend.open(image("device"), BackendAccess.READ_WRITE)));

            List<String> sound = new ArrayList<>();
            for (DriveId drive : fixture.agent().states().keySet()) {
                if (isSound(fixture, drive.value())) {
                    sound.add(drive.value());
                }
            }
            assertEquals(List.of("alone"), sound);
            // I3: its backup ran.
            assertEquals(BOTH, fixture.content("alone", "a").extents());
            assertTrue(fixture.state("alone").undecided().isEmpty());
            assertEquals(
                    KilledAgentMain.SIZE_BYTES + 65_536, fixture.state("grown").sizeBytes());
        }
    }

    @Test
    void shouldTakeTheActivityLogWhenLiveMarksAreOfAnotherBoot() throws Exception { // reliability 6.17
        try (ChildProcess child = start("rest", 1)) {
            child.killNow();
        }

        try (AgentFixture fixture = AgentFixture.openOnBoot(directory, new UUID(99, 99))) {
            var _ = fixture.attach("alone", KilledAgentMain.SIZE_BYTES);

            // I1, I3: the whole of the only region that was written.
            assertInstanceOf(
                    BitmapStatus.Idle.class, fixture.bitmap("alone", "a").status());
            assertEquals(
                    List.of(new Extent(0, KilledAgentMain.SIZE_BYTES)),
                    fixture.content("alone", "a").extents());
            assertEquals(Set.of(), fixture.read("alone").differing());
        }
    }

    @Test
    void shouldTellAnImageThatWasTouchedBeforeTheHostWasStartedAnew() throws Exception { // design 3, image identity
        try (ChildProcess child = start("rest", 1)) {
            child.killNow();
        }
        Files.setLastModifiedTime(
                image("changed"), FileTime.from(java.time.Instant.now().plusSeconds(60)));
        Files.setLastModifiedTime(image("rolled-back"), FileTime.fromMillis(1_000_000_000_000L));
        Files.move(image("swapped"), image("old"));
        Files.copy(image("old"), image("swapped"), java.nio.file.StandardCopyOption.COPY_ATTRIBUTES);
        resize(image("grown"), KilledAgentMain.SIZE_BYTES + 65_536);

        try (AgentFixture fixture = AgentFixture.openOnBoot(directory, new UUID(99, 99))) {
            for (String drive : List.of("alone", "changed", "rolled-back", "swapped", "grown")) {
                var _ = fixture.attach(drive, KilledAgentMain.SIZE_BYTES);
                assertEquals(drive.equals("alone"), isSound(fixture, drive), drive);
            }
        }
    }

    @Test
    void shouldBelieveNothingOfAnotherBootWithoutAnActivityLog() throws Exception { // reliability 6.17
        try (ChildProcess child = start("rest", 1)) {
            child.killNow();
        }
        Files.delete(directory.resolve("state/alone/activity"));

        try (AgentFixture fixture = AgentFixture.openOnBoot(directory, new UUID(99, 99))) {
            var _ = fixture.attach("alone", KilledAgentMain.SIZE_BYTES);

            assertInstanceOf(
                    BitmapStatus.Inconsistent.class,
                    fixture.bitmap("alone", "a").status());
        }
    }

    @Test
    void shouldTellAnImageThatWasTouchedWhileItWasDetached() throws IOException { // design 3, image identity
        Map<String, Touch> touches = Map.of(
                "changed", RecoveryTest::write,
                "rolled-back", image -> Files.setLastModifiedTime(image, FileTime.fromMillis(1_000_000_000_000L)),
                "swapped",
                        image -> {
                            Files.move(image, image("old"));
                            Files.copy(image("old"), image, java.nio.file.StandardCopyOption.COPY_ATTRIBUTES);
                        },
                "grown", image -> resize(image, KilledAgentMain.SIZE_BYTES + 65_536),
                "alone", image -> {});
        try (AgentFixture fixture = AgentFixture.open(directory)) {
            for (String drive : touches.keySet()) {
                var _ = fixture.attach(drive, KilledAgentMain.SIZE_BYTES);
                fixture.transact(Completion.INDIVIDUAL, AgentFixture.add(drive, "a"));
                AgentFixture.write(fixture.export(drive), 0, new byte[512]);
            }
        }
        for (Map.Entry<String, Touch> touch : touches.entrySet()) {
            touch.getValue().of(image(touch.getKey()));
        }

        try (AgentFixture fixture = AgentFixture.open(directory)) {
            for (String drive : touches.keySet()) {
                var _ = fixture.attach(drive, KilledAgentMain.SIZE_BYTES);
                assertEquals(drive.equals("alone"), isSound(fixture, drive), drive);
            }
        }
    }

    @Test
    void shouldKeepPersistentBitmapsOverADetachAndDropTheOthers() throws IOException { // design 1
        try (AgentFixture fixture = AgentFixture.open(directory)) {
            var export = fixture.attach("disk0", KilledAgentMain.SIZE_BYTES);
            fixture.transact(
                    Completion.INDIVIDUAL,
                    AgentFixture.add("disk0", "a"),
                    new Action.AddBitmap("disk0", "passing", Optional.empty(), false, Recording.ENABLED));
            AgentFixture.write(export, 0, new byte[512]);
            fixture.transact(Completion.INDIVIDUAL, AgentFixture.incremental("disk0", "a"));
            AgentFixture.write(export, 131_072, new byte[512]);
        }

        try (AgentFixture fixture = AgentFixture.open(directory)) {
            var _ = fixture.attach("disk0", KilledAgentMain.SIZE_BYTES);

            assertEquals(
                    Set.of(new BitmapName("a")),
                    fixture.state("disk0").bitmaps().keySet());
            assertEquals(BOTH, fixture.content("disk0", "a").extents());
        }
    }

    /** What may happen to an image. */
    private interface Touch {
        void of(Path image) throws IOException;
    }

    private static boolean isSound(AgentFixture fixture, String drive) {
        boolean idle = fixture.bitmap(drive, "a").status() instanceof BitmapStatus.Idle;
        assertEquals(idle, fixture.state(drive).trust() instanceof Trust.Sound, drive);
        return idle;
    }

    private Path image(String drive) {
        return directory.resolve(drive + ".raw");
    }

    private static void write(Path image) throws IOException {
        try (RandomAccessFile file = new RandomAccessFile(image.toFile(), "rw")) {
            file.seek(700_000);
            file.write(1);
        }
    }

    private static void resize(Path image, long sizeBytes) throws IOException {
        try (RandomAccessFile file = new RandomAccessFile(image.toFile(), "rw")) {
            file.setLength(sizeBytes);
        }
    }

    private long intentBytes() throws IOException {
        Path intents = directory.resolve("intents");
        return Files.exists(intents) ? Files.size(intents) : 0;
    }

    private ChildProcess start(String what, long seed) throws Exception {
        ChildProcess child = ChildProcess.start(
                new JavaCommand(
                        "agent",
                        JvmOptions.small(64),
                        JavaCommand.ownClassPath(),
                        List.of(KilledAgentMain.class.getName(), directory.toString(), what, Long.toString(seed)),
                        Map.of()),
                directory.resolve("agent.log"));
        String _ = child.awaitReady(Duration.ofSeconds(60));
        return child;
    }
}
