package io.varve.capture.tracking;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.varve.capture.backend.RequestFailedException;
import io.varve.capture.nbd.Export;
import io.varve.capture.snapshot.SnapshotRead;
import io.varve.core.bits.Digest;
import io.varve.core.bits.HierarchicalBitSet;
import io.varve.core.drive.Anchor;
import io.varve.core.drive.BackupTarget;
import io.varve.core.drive.Completion;
import io.varve.core.drive.Conclusion;
import io.varve.core.feed.FeedBatch;
import io.varve.core.id.DriveId;
import io.varve.core.id.SyncPointId;
import io.varve.core.snapshot.SnapshotStatus;
import io.varve.core.transaction.Action;
import io.varve.core.transaction.SyncMode;
import io.varve.formats.nbd.NbdError;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

@Timeout(60)
class SnapshotRulesTest {
    private static final long SIZE_BYTES = 1 << 20;
    private static final int GRANULE_BYTES = 65_536;
    private static final DriveId DRIVE = new DriveId("disk0");
    private static final Anchor ANCHOR = new Anchor(
            new SyncPointId("sp-1"), new SyncPointId("sp-1"), 0, "manifest", Digest.of(HierarchicalBitSet.ofHeap(1)));

    @TempDir
    Path directory;

    @Test
    void shouldFailReadsOutsideTheCut() throws IOException { // reliability 6.1
        try (AgentFixture fixture = AgentFixture.open(directory)) {
            Export export = fixture.attach("disk0", SIZE_BYTES);
            StartedBackup increment = archiveIncrement(fixture, export);
            Export snapshot = fixture.export(increment.snapshot().name());

            snapshot.read(0, ByteBuffer.allocate(GRANULE_BYTES));

            for (long offsetBytes : List.of(GRANULE_BYTES - 512L, (long) GRANULE_BYTES, SIZE_BYTES - 512)) {
                RequestFailedException refused = assertThrows(
                        RequestFailedException.class, () -> snapshot.read(offsetBytes, ByteBuffer.allocate(1024)));
                assertEquals(NbdError.EINVAL, refused.error());
            }
        }
    }

    @Test
    void shouldGiveASecondReaderTheSameBytesWhateverIsWritten() throws IOException { // reliability 6.2
        try (AgentFixture fixture = AgentFixture.open(directory)) {
            Export export = fixture.attach("disk0", SIZE_BYTES);
            fill(export, (byte) 1);
            StartedBackup backup = fixture.transact(Completion.INDIVIDUAL, AgentFixture.full("disk0"))
                    .getFirst();

            byte[] untouched = read(backup);
            fill(export, (byte) 2);
            AgentFixture.ended(c -> export.trim(0, SIZE_BYTES, c));
            byte[] overwritten = read(backup);

            assertArrayEquals(untouched, overwritten);
            assertEquals(1, overwritten[(int) SIZE_BYTES - 1]);
            assertEquals(SIZE_BYTES, backup.snapshot().keptBytes());
        }
    }

    @Test
    void shouldHoldReadersUntilTheWritesInFlightAtTheCutHaveEnded() throws Exception { // reliability 6.11
        try (AgentFixture fixture = AgentFixture.open(directory)) {
            WatchedBackend backend = fixture.attachWatched("disk0", SIZE_BYTES);
            CountDownLatch written = new CountDownLatch(1);
            CountDownLatch mayWrite = new CountDownLatch(1);
            backend.onChange((offset, length) -> {
                written.countDown();
                await(mayWrite);
            });
            Thread guest =
                    Thread.ofPlatform().start(() -> AgentFixture.write(fixture.export("disk0"), 0, new byte[512]));
            written.await();

            StartedBackup backup = fixture.transact(Completion.INDIVIDUAL, AgentFixture.full("disk0"))
                    .getFirst();
            CompletableFuture<byte[]> reader = CompletableFuture.supplyAsync(() -> read(backup));
            assertEquals(Optional.empty(), markers(fixture));
            assertTrue(!reader.isDone());
            mayWrite.countDown();

            assertEquals(SIZE_BYTES, reader.get().length);
            guest.join();
        }
    }

    /** Else whoever copies would wait for a write that may never end. */
    @Test
    void shouldTellWaitingReadersThatTheSnapshotBroke() throws Exception { // I9
        try (AgentFixture fixture = AgentFixture.open(directory)) {
            WatchedBackend backend = fixture.attachWatched("disk0", SIZE_BYTES);
            CountDownLatch written = new CountDownLatch(1);
            CountDownLatch mayWrite = new CountDownLatch(1);
            backend.onChange((offset, length) -> {
                written.countDown();
                await(mayWrite);
            });
            Thread guest =
                    Thread.ofPlatform().start(() -> AgentFixture.write(fixture.export("disk0"), 0, new byte[512]));
            written.await();
            StartedBackup backup = fixture.transact(Completion.INDIVIDUAL, AgentFixture.full("disk0"))
                    .getFirst();

            backup.snapshot().breakOff("the test wants it");

            assertInstanceOf(SnapshotRead.Gone.class, backup.snapshot().read(0, ByteBuffer.allocate(512)));
            mayWrite.countDown();
            guest.join();
        }
    }

    @Test
    void shouldBreakTheSnapshotAndNotTheGuestWhenTheFleeceIsFull() throws IOException { // I9
        AgentOptions options = AgentFixture.options(directory);
        try (AgentFixture fixture = AgentFixture.open(
                directory,
                new AgentOptions(
                        options.stateDirectory(),
                        options.liveDirectory(),
                        options.fleeceDirectory(),
                        2 * GRANULE_BYTES,
                        options.cbwTimeoutMillis(),
                        options.exportAddress()))) {
            Export export = fixture.attach("disk0", SIZE_BYTES);
            StartedBackup backup = fixture.transact(Completion.INDIVIDUAL, AgentFixture.full("disk0"))
                    .getFirst();

            fill(export, (byte) 3);

            assertInstanceOf(SnapshotStatus.Broken.class, backup.snapshot().status());
            assertInstanceOf(SnapshotRead.Gone.class, backup.snapshot().read(0, ByteBuffer.allocate(512)));
        }
    }

    @Test
    void shouldBreakTheSnapshotBeforeTheWriteGoesOnWhenCopyingIsSlow() throws IOException { // I9, reliability 6.11
        AgentOptions options = AgentFixture.options(directory);
        CountDownLatch mayRead = new CountDownLatch(1);
        try (AgentFixture fixture = AgentFixture.open(
                directory,
                new AgentOptions(
                        options.stateDirectory(),
                        options.liveDirectory(),
                        options.fleeceDirectory(),
                        Long.MAX_VALUE,
                        50,
                        options.exportAddress()))) {
            WatchedBackend backend = fixture.attachWatched("disk0", SIZE_BYTES);
            StartedBackup backup = fixture.transact(Completion.INDIVIDUAL, AgentFixture.full("disk0"))
                    .getFirst();
            backend.onRead((offset, length) -> await(mayRead));
            backend.onChange((offset, length) -> assertInstanceOf(
                    SnapshotStatus.Broken.class, backup.snapshot().status()));

            AgentFixture.write(fixture.export("disk0"), 0, new byte[512]);

            mayRead.countDown();
            backend.onRead((offset, length) -> {});
            assertInstanceOf(SnapshotRead.Gone.class, backup.snapshot().read(0, ByteBuffer.allocate(512)));
        }
    }

    /** The writes of a drive whose image hangs must not take all the room for those that wait. */
    @Test
    void shouldNotLetTheWritesOfAHangingImageHoldUpThoseOfAnother() throws Exception { // I9
        try (AgentFixture fixture = AgentFixture.open(directory)) {
            WatchedBackend hanging = fixture.attachWatched("disk0", SIZE_BYTES);
            Export other = fixture.attach("disk1", SIZE_BYTES);
            fixture.transact(Completion.INDIVIDUAL, AgentFixture.full("disk0"), AgentFixture.full("disk1"));
            CountDownLatch mayWrite = new CountDownLatch(1);
            CountDownLatch stuck = new CountDownLatch(16);
            hanging.onChange((offset, length) -> {
                stuck.countDown();
                await(mayWrite);
            });
            CountDownLatch ended = new CountDownLatch(16);
            for (int write = 0; write < 16; write++) {
                fixture.export("disk0")
                        .write((long) write * GRANULE_BYTES, ByteBuffer.allocateDirect(512), counting(ended));
            }
            stuck.await();

            AgentFixture.write(other, 0, new byte[512]);

            mayWrite.countDown();
            ended.await();
        }
    }

    @Test
    void shouldRefuseAFifthSnapshotAndLeaveNothing() throws IOException { // I10
        try (AgentFixture fixture = AgentFixture.open(directory)) {
            var _ = fixture.attach("disk0", SIZE_BYTES);
            for (int backup = 0; backup < AgentOptions.SNAPSHOTS_MAX; backup++) {
                fixture.transact(Completion.INDIVIDUAL, AgentFixture.full("disk0"));
            }
            var before = fixture.state("disk0");

            Transacted refused = fixture.agent()
                    .transact(
                            List.of(AgentFixture.full("disk0")),
                            Completion.INDIVIDUAL,
                            fixture.agent().newSyncPointId());

            assertInstanceOf(Transacted.Refused.class, refused);
            assertEquals(before, fixture.state("disk0"));
        }
    }

    private static StartedBackup archiveIncrement(AgentFixture fixture, Export export) throws IOException {
        StartedBackup full = fixture.transact(
                        Completion.INDIVIDUAL, AgentFixture.add("disk0", "a"), archive(SyncMode.FULL, Optional.empty()))
                .getFirst();
        fixture.agent().conclude(DRIVE, full.mark().key(), new Conclusion.Committed(ANCHOR));
        AgentFixture.write(export, 0, new byte[512]);
        return fixture.transact(Completion.INDIVIDUAL, archive(SyncMode.INCREMENTAL, Optional.of("a")))
                .getFirst();
    }

    private static Action archive(SyncMode sync, Optional<String> bitmap) {
        return new Action.Backup("disk0", sync, bitmap, Optional.empty(), BackupTarget.ARCHIVE);
    }

    private static Optional<FeedBatch> markers(AgentFixture fixture) throws IOException {
        DriveFeed feed = fixture.feed("disk0");
        for (Optional<FeedBatch> batch = feed.next(); batch.isPresent(); batch = feed.next()) {
            if (batch.get().records().stream()
                    .anyMatch(r -> r.event() instanceof io.varve.core.event.DriveEvent.SyncPointMarked)) {
                return batch;
            }
            feed.acknowledge(batch.get());
        }
        return Optional.empty();
    }

    private static void fill(Export export, byte value) {
        byte[] data = new byte[(int) SIZE_BYTES];
        java.util.Arrays.fill(data, value);
        AgentFixture.write(export, 0, data);
    }

    private static byte[] read(StartedBackup backup) {
        ByteBuffer into = ByteBuffer.allocate((int) SIZE_BYTES);
        assertInstanceOf(SnapshotRead.Done.class, backup.snapshot().read(0, into));
        return into.array();
    }

    private static io.varve.capture.nbd.Completion counting(CountDownLatch ended) {
        return new io.varve.capture.nbd.Completion() {
            @Override
            public void done() {
                ended.countDown();
            }

            @Override
            public void failed(NbdError error, String reason) {
                ended.countDown();
            }
        };
    }

    private static void await(CountDownLatch latch) throws IOException {
        try {
            latch.await();
        } catch (InterruptedException e) {
            throw new IOException(e);
        }
    }
}
