package io.varve.capture.tracking;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.varve.capture.nbd.Export;
import io.varve.capture.snapshot.SnapshotRead;
import io.varve.core.bits.Granularity;
import io.varve.core.bits.Marks;
import io.varve.core.drive.Bitmap;
import io.varve.core.drive.BitmapStatus;
import io.varve.core.drive.Completion;
import io.varve.core.drive.Recording;
import io.varve.core.fold.ReadingFold;
import io.varve.core.id.BitmapName;
import io.varve.core.id.DriveId;
import java.io.IOException;
import java.io.RandomAccessFile;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.FileTime;
import java.util.Arrays;
import java.util.Optional;
import java.util.Set;
import java.util.SplittableRandom;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicBoolean;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Reconciles while a guest writes. */
class ReconcileUnderWritesTest {
    private static final DriveId DRIVE = new DriveId("disk0");
    private static final int GRANULE = 65_536;
    private static final int GRANULES = 64;
    private static final int ROUNDS = 12;

    @TempDir
    Path directory;

    @Test
    void shouldMissNoGranuleThatDiffersFromTheEarlierImageWhileAGuestWrites() throws Exception { // I1, I3
        long seed = Long.getLong("varve.seed", 1L);
        SplittableRandom random = new SplittableRandom(seed);
        for (int round = 0; round < ROUNDS; round++) {
            String which = "seed " + seed + ", round " + round;
            byte[] earlier = detachAndChange(random.split());
            try (AgentFixture fixture = AgentFixture.open(directory)) {
                Export export = fixture.attach("disk0", (long) GRANULE * GRANULES);
                assertInstanceOf(
                        BitmapStatus.Inconsistent.class,
                        fixture.bitmap("disk0", "a").status(),
                        which);

                try (Guest guest = new Guest(export, random.split())) {
                    reconcile(fixture, earlier, random.nextBoolean());
                    guest.writeOn();
                }

                Bitmap bitmap = fixture.bitmap("disk0", "a");
                assertEquals(new BitmapStatus.Idle(Recording.ENABLED), bitmap.status(), which);
                ReadingFold reader = fixture.read("disk0");
                assertEquals(fixture.state("disk0"), reader.state(), which);
                assertEquals(Set.of(), reader.differing(), which);
                Marks held = fixture.content("disk0", "a");
                byte[] now = Files.readAllBytes(fixture.image("disk0"));
                for (int granule = 0; granule < GRANULES; granule++) {
                    int at = granule * GRANULE;
                    assertTrue(
                            held.contains(at) || Arrays.equals(earlier, at, at + GRANULE, now, at, at + GRANULE),
                            () -> which + ": the granule at " + at + " differs, and isn't in the bitmap");
                }
            }
        }
    }

    @Test
    void shouldLeaveTheBitmapAsItWasWhenTheAgentIsKilledInTheMiddle() throws IOException { // I3
        byte[] earlier = detachAndChange(new SplittableRandom(1));
        Path copy = directory.resolve("killed");
        Bitmap before;
        try (AgentFixture fixture = AgentFixture.open(directory)) {
            var _ = fixture.attach("disk0", (long) GRANULE * GRANULES);
            before = fixture.bitmap("disk0", "a");
            begin(fixture);
            // What a kill would leave: the files as they are now.
            copyAll(directory.resolve("state"), copy.resolve("state"));
            copyAll(directory.resolve("live"), copy.resolve("live"));
        }
        Files.createLink(copy.resolve("disk0.raw"), directory.resolve("disk0.raw"));

        try (AgentFixture fixture = AgentFixture.open(copy)) {
            var _ = fixture.attach("disk0", earlier.length);

            assertEquals(
                    Set.of(new BitmapName("a")),
                    fixture.state("disk0").bitmaps().keySet());
            assertInstanceOf(
                    BitmapStatus.Inconsistent.class,
                    fixture.bitmap("disk0", "a").status());
            assertEquals(before.anchor(), fixture.bitmap("disk0", "a").anchor());
            assertTrue(fixture.state("disk0").undecided().isEmpty());
            reconcile(fixture, earlier, false);
            assertInstanceOf(
                    BitmapStatus.Idle.class, fixture.bitmap("disk0", "a").status());
        }
    }

    @Test
    void shouldTakeNothingFromAPointInTimeThatBroke() throws IOException { // I4
        byte[] earlier = detachAndChange(new SplittableRandom(1));
        try (AgentFixture fixture = AgentFixture.open(directory)) {
            var _ = fixture.attach("disk0", earlier.length);
            AgentReconciliations.Answer.Begun begun = begin(fixture);
            fixture.agent()
                    .running(DRIVE, begun.mark().key())
                    .orElseThrow()
                    .snapshot()
                    .breakOff("the fleece is full");

            var answer = fixture.agent()
                    .reconciliations()
                    .finish(begun.mark().key(), Marks.none(begun.granularity(), earlier.length), Optional.empty());

            var refused = assertInstanceOf(AgentReconciliations.Answer.Refused.class, answer);
            assertTrue(refused.description().contains("the fleece is full"), refused::description);
            fixture.agent().reconciliations().cancel(begun.mark().key());
            assertInstanceOf(
                    BitmapStatus.Inconsistent.class,
                    fixture.bitmap("disk0", "a").status());
        }
    }

    /** A guest that writes until it's closed, the same blocks again and again. */
    private static final class Guest implements AutoCloseable {
        private final AtomicBoolean ending = new AtomicBoolean();
        private final CountDownLatch begun = new CountDownLatch(1);
        private final CountDownLatch further = new CountDownLatch(20);
        private final CompletableFuture<Void> writing;
        private volatile boolean counts;

        Guest(Export export, SplittableRandom random) throws InterruptedException {
            writing = CompletableFuture.runAsync(() -> {
                while (!ending.get()) {
                    byte[] data = new byte[512];
                    Arrays.fill(data, (byte) random.nextInt(4));
                    AgentFixture.write(export, random.nextLong((long) GRANULE * GRANULES / 512 / 3) * 512, data);
                    begun.countDown();
                    if (counts) {
                        further.countDown();
                    }
                }
            });
            begun.await();
        }

        void writeOn() throws InterruptedException {
            counts = true;
            further.await();
        }

        @Override
        public void close() {
            ending.set(true);
            writing.join();
        }
    }

    /** Leaves a bitmap, and an image that was changed after it; returns what the image was before both. */
    private byte[] detachAndChange(SplittableRandom random) throws IOException {
        byte[] earlier;
        try (AgentFixture fixture = AgentFixture.open(directory)) {
            Export export = fixture.attach("disk0", (long) GRANULE * GRANULES);
            earlier = Files.readAllBytes(fixture.image("disk0"));
            if (fixture.state("disk0").bitmaps().isEmpty()) {
                fixture.transact(Completion.INDIVIDUAL, AgentFixture.add("disk0", "a"));
            }
            AgentFixture.write(export, random.nextLong(GRANULES) * GRANULE, new byte[] {7});
        }
        Path image = directory.resolve("disk0.raw");
        try (RandomAccessFile file = new RandomAccessFile(image.toFile(), "rw")) {
            for (int change = 0; change < 5; change++) {
                file.seek(random.nextLong((long) GRANULE * GRANULES));
                file.write(random.nextInt());
            }
        }
        Files.setLastModifiedTime(image, FileTime.fromMillis(1_000_000_000_000L));
        return earlier;
    }

    private static AgentReconciliations.Answer.Begun begin(AgentFixture fixture) {
        return assertInstanceOf(
                AgentReconciliations.Answer.Begun.class,
                fixture.agent().reconciliations().begin(DRIVE, "a"));
    }

    private static void reconcile(AgentFixture fixture, byte[] earlier, boolean isCancelledFirst) throws IOException {
        if (isCancelledFirst) {
            fixture.agent().reconciliations().cancel(begin(fixture).mark().key());
        }
        AgentReconciliations.Answer.Begun begun = begin(fixture);
        StartedBackup point = fixture.agent().running(DRIVE, begun.mark().key()).orElseThrow();
        Marks differing = Marks.none(Granularity.DEFAULT, earlier.length);
        for (int at = 0; at < earlier.length; at += GRANULE) {
            ByteBuffer now = ByteBuffer.allocate(GRANULE);
            assertInstanceOf(SnapshotRead.Done.class, point.snapshot().read(at, now));
            if (!Arrays.equals(earlier, at, at + GRANULE, now.array(), 0, GRANULE)) {
                differing.mark(at, GRANULE);
            }
        }
        assertInstanceOf(
                AgentReconciliations.Answer.Finished.class,
                fixture.agent().reconciliations().finish(begun.mark().key(), differing, Optional.empty()));
    }

    private static void copyAll(Path from, Path to) throws IOException {
        Files.createDirectories(to.getParent());
        try (var files = Files.walk(from)) {
            for (Path file : files.toList()) {
                Files.copy(file, to.resolve(from.relativize(file).toString()));
            }
        }
    }
}
