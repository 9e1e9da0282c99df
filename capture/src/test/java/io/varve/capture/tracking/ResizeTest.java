package io.varve.capture.tracking;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.varve.capture.nbd.Export;
import io.varve.capture.snapshot.SnapshotRead;
import io.varve.core.Seeds;
import io.varve.core.bits.Extent;
import io.varve.core.drive.BackupKind;
import io.varve.core.drive.BitmapStatus;
import io.varve.core.drive.Completion;
import io.varve.core.drive.Conclusion;
import io.varve.core.fold.ReadingFold;
import io.varve.core.id.DriveId;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.SplittableRandom;
import java.util.concurrent.CompletionException;
import java.util.concurrent.atomic.AtomicBoolean;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** A drive that gets another size while its guest runs. */
@Timeout(120)
class ResizeTest {
    private static final String DRIVE = "disk0";
    private static final int GRANULE_BYTES = 65_536;
    private static final int SIZE_BYTES = 16 * GRANULE_BYTES;

    @TempDir
    private Path directory;

    private static void resize(AgentFixture fixture, long sizeBytes) {
        assertInstanceOf(Transacted.Done.class, fixture.agent().resize(new DriveId(DRIVE), sizeBytes));
        assertEquals(sizeBytes, fixture.export(DRIVE).sizeBytes());
        assertEquals(sizeBytes, fixture.state(DRIVE).sizeBytes());
    }

    private static String refused(AgentFixture fixture, long sizeBytes) {
        return assertInstanceOf(Transacted.Refused.class, fixture.agent().resize(new DriveId(DRIVE), sizeBytes))
                .description();
    }

    @Test
    void shouldTrackWhatIsWrittenBeyondTheOldEnd() throws IOException {
        try (AgentFixture fixture = AgentFixture.open(directory)) {
            Export drive = fixture.attach(DRIVE, SIZE_BYTES);
            fixture.transact(Completion.INDIVIDUAL, AgentFixture.add(DRIVE, "b"));
            AgentFixture.write(drive, 0, new byte[512]);

            resize(fixture, 2 * SIZE_BYTES);
            AgentFixture.write(drive, 2 * SIZE_BYTES - 512, new byte[512]);

            assertEquals(
                    List.of(new Extent(0, GRANULE_BYTES), new Extent(2 * SIZE_BYTES - GRANULE_BYTES, GRANULE_BYTES)),
                    fixture.content(DRIVE, "b").extents());
            assertEquals(2L * SIZE_BYTES, Files.size(fixture.image(DRIVE)));
        }
    }

    @Test
    void shouldRefuseWhatIsBeyondTheNewEnd() throws IOException {
        try (AgentFixture fixture = AgentFixture.open(directory)) {
            Export drive = fixture.attach(DRIVE, SIZE_BYTES);

            resize(fixture, SIZE_BYTES / 2);

            CompletionException e = assertThrows(
                    CompletionException.class, () -> AgentFixture.write(drive, SIZE_BYTES / 2 - 512, new byte[1024]));
            assertTrue(e.toString().contains("the drive was made smaller: it has 524288 bytes now"), e.toString());
            assertEquals(SIZE_BYTES / 2, Files.size(fixture.image(DRIVE)));
            AgentFixture.write(drive, SIZE_BYTES / 2 - 512, new byte[512]);
        }
    }

    // Reliability 6.12
    @Test
    void shouldMarkTheLostRangeForADriveThatGrowsAgain() throws IOException {
        try (AgentFixture fixture = AgentFixture.open(directory)) {
            Export _ = fixture.attach(DRIVE, SIZE_BYTES);
            fixture.transact(Completion.INDIVIDUAL, AgentFixture.add(DRIVE, "b"));

            resize(fixture, SIZE_BYTES / 2);
            assertTrue(fixture.content(DRIVE, "b").isEmpty());
            resize(fixture, SIZE_BYTES);

            assertEquals(
                    List.of(new Extent(SIZE_BYTES / 2, SIZE_BYTES / 2)),
                    fixture.content(DRIVE, "b").extents());
        }
    }

    @Test
    void shouldRefuseASizeThatIsNoneOrADriveThatIsBackedUp() throws IOException {
        try (AgentFixture fixture = AgentFixture.open(directory)) {
            Export _ = fixture.attach(DRIVE, SIZE_BYTES);
            assertEquals("Parameter 'size' expects a >0 size", refused(fixture, -1));
            assertEquals("The new size must be a multiple of 512", refused(fixture, 1000));

            List<StartedBackup> backups = fixture.transact(Completion.INDIVIDUAL, AgentFixture.full(DRIVE));
            assertEquals("Node 'disk0' is busy: block device is in use by block job: backup", refused(fixture, 512));
            fixture.agent()
                    .conclude(new DriveId(DRIVE), backups.getFirst().mark().key(), new Conclusion.Cancelled());

            resize(fixture, 512);
        }
    }

    @Test
    void shouldKnowTheDriveAgainAfterwards() throws IOException {
        try (AgentFixture fixture = AgentFixture.open(directory)) {
            Export drive = fixture.attach(DRIVE, SIZE_BYTES);
            fixture.transact(Completion.INDIVIDUAL, AgentFixture.add(DRIVE, "b"));
            resize(fixture, 2 * SIZE_BYTES);
            AgentFixture.write(drive, SIZE_BYTES, new byte[512]);
            resize(fixture, 3 * SIZE_BYTES);
        }
        try (AgentFixture fixture = AgentFixture.open(directory)) {
            Export drive = fixture.attach(DRIVE, SIZE_BYTES);

            assertEquals(3L * SIZE_BYTES, drive.sizeBytes());
            assertFalse(fixture.bitmap(DRIVE, "b").status() instanceof BitmapStatus.Inconsistent);
            assertEquals(
                    List.of(new Extent(SIZE_BYTES, GRANULE_BYTES)),
                    fixture.content(DRIVE, "b").extents());
        }
    }

    @Test
    void shouldUndoAResizeThatTheImageDoesNotTake() throws IOException {
        try (AgentFixture fixture = AgentFixture.open(directory)) {
            WatchedBackend _ = fixture.attachWatched(DRIVE, SIZE_BYTES);
            fixture.transact(Completion.INDIVIDUAL, AgentFixture.add(DRIVE, "b"));

            assertTrue(refused(fixture, SIZE_BYTES / 2).contains("does not support resize"));

            Export drive = fixture.export(DRIVE);
            assertEquals(SIZE_BYTES, drive.sizeBytes());
            AgentFixture.write(drive, SIZE_BYTES - 512, new byte[512]);
            // What was to be lost stays marked, which costs no more than a copy.
            assertEquals(
                    List.of(new Extent(SIZE_BYTES / 2, SIZE_BYTES / 2)),
                    fixture.content(DRIVE, "b").extents());
        }
    }

    /** Each increment is laid over its parent as a restore does: every layer clamped to the sizes above it. */
    @Test
    void shouldRestoreEveryCutOfADriveThatGrowsAndShrinks() {
        Seeds.forEach(10, random -> {
            try {
                run(random, Files.createDirectories(directory.resolve("run-" + random.nextLong())));
            } catch (IOException e) {
                throw new UncheckedIOException(e);
            }
        });
    }

    private static void run(SplittableRandom random, Path directory) throws IOException {
        try (AgentFixture fixture = AgentFixture.open(directory)) {
            Export drive = fixture.attach(DRIVE, SIZE_BYTES);
            ReadingFold reader = ReadingFold.behind();
            change(fixture, drive, random);
            byte[] restored = copied(
                    fixture,
                    new byte[0],
                    fixture.transact(Completion.INDIVIDUAL, AgentFixture.add(DRIVE, "b"), AgentFixture.full(DRIVE)));
            for (int cut = 0; cut < 6; cut++) {
                change(fixture, drive, random);
                restored = copied(
                        fixture,
                        restored,
                        fixture.transact(Completion.INDIVIDUAL, AgentFixture.incremental(DRIVE, "b")));
                assertArrayEquals(Files.readAllBytes(fixture.image(DRIVE)), restored);
                fixture.readAll(DRIVE, reader);
                assertEquals(List.of(), reader.complaints());
            }
        }
    }

    // I1
    @Test
    void shouldNeitherLoseAMarkNorLengthenTheImageWhileAGuestWrites() throws Exception {
        try (AgentFixture fixture = AgentFixture.open(directory)) {
            Export drive = fixture.attach(DRIVE, SIZE_BYTES);
            byte[] restored = copied(
                    fixture,
                    new byte[0],
                    fixture.transact(Completion.INDIVIDUAL, AgentFixture.add(DRIVE, "b"), AgentFixture.full(DRIVE)));
            AtomicBoolean stopped = new AtomicBoolean();
            Thread guest = Thread.ofPlatform().start(() -> writeUntil(stopped, drive));
            try {
                for (int round = 0; round < 20; round++) {
                    resize(fixture, SIZE_BYTES / 2 + 512L * round);
                    assertEquals(drive.sizeBytes(), Files.size(fixture.image(DRIVE)));
                    resize(fixture, SIZE_BYTES);
                    assertEquals(SIZE_BYTES, Files.size(fixture.image(DRIVE)));
                }
            } finally {
                stopped.set(true);
                guest.join();
            }

            restored = copied(
                    fixture, restored, fixture.transact(Completion.INDIVIDUAL, AgentFixture.incremental(DRIVE, "b")));

            assertArrayEquals(Files.readAllBytes(fixture.image(DRIVE)), restored);
        }
    }

    /** The server checks a write against the size that was; the drive may have shrunk when it comes. */
    private static void writeUntil(AtomicBoolean stopped, Export drive) {
        byte[] data = new byte[3 * 512];
        for (int write = 0; !stopped.get(); write++) {
            Arrays.fill(data, (byte) write);
            try {
                AgentFixture.write(drive, write * 7919L * 512 % (SIZE_BYTES - data.length) / 512 * 512, data);
            } catch (CompletionException e) {
                assertTrue(e.toString().contains("was made smaller"), e.toString());
            }
        }
    }

    private static void change(AgentFixture fixture, Export drive, SplittableRandom random) {
        for (int step = random.nextInt(8); step >= 0; step--) {
            if (random.nextInt(3) == 0) {
                resize(fixture, 512L * (1 + random.nextInt(2 * SIZE_BYTES / 512)));
            } else {
                byte[] data = new byte[(int) Math.min(drive.sizeBytes(), 512L * (1 + random.nextInt(300)))];
                random.nextBytes(data);
                long sectors = (drive.sizeBytes() - data.length) / 512;
                AgentFixture.write(drive, 512 * random.nextLong(sectors + 1), data);
            }
        }
    }

    private static byte[] copied(AgentFixture fixture, byte[] parent, List<StartedBackup> backups) throws IOException {
        StartedBackup backup = backups.getFirst();
        int sizeBytes = (int) backup.mark().sizeBytes();
        byte[] image = Arrays.copyOf(parent, sizeBytes);
        List<Extent> extents = backup.mark().kind() instanceof BackupKind.Full
                ? List.of(new Extent(0, sizeBytes))
                : backup.cut().orElseThrow().extents();
        for (Extent extent : extents) {
            ByteBuffer into = ByteBuffer.wrap(image, (int) extent.offsetBytes(), (int) extent.lengthBytes());
            assertInstanceOf(SnapshotRead.Done.class, backup.snapshot().read(extent.offsetBytes(), into.slice()));
        }
        fixture.agent().conclude(new DriveId(DRIVE), backup.mark().key(), new Conclusion.Written());
        return image;
    }
}
