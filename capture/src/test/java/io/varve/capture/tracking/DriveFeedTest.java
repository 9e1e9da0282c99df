package io.varve.capture.tracking;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.varve.capture.nbd.Export;
import io.varve.core.drive.BackupTarget;
import io.varve.core.drive.Completion;
import io.varve.core.drive.Conclusion;
import io.varve.core.drive.Trust;
import io.varve.core.event.DriveEvent;
import io.varve.core.event.LogRecord;
import io.varve.core.feed.FeedBatch;
import io.varve.core.fold.ReadingFold;
import io.varve.core.id.DriveId;
import io.varve.core.transaction.Action;
import io.varve.core.transaction.SyncMode;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.CountDownLatch;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class DriveFeedTest {
    private static final long SIZE_BYTES = 1 << 20;

    @TempDir
    Path directory;

    /** Strict: a seal whose extents weren't there before it fails the reader. */
    @Test
    void shouldGiveAGenerationsExtentsBeforeItsSeal() throws IOException { // reliability 6.7, design 2
        ReadingFold reader = new ReadingFold();
        try (AgentFixture fixture = AgentFixture.open(directory)) {
            Export export = fixture.attach("disk0", SIZE_BYTES);
            for (int bitmap = 0; bitmap < 6; bitmap++) {
                fixture.transact(Completion.INDIVIDUAL, AgentFixture.add("disk0", "b" + bitmap));
                AgentFixture.write(export, bitmap * 65_536L, new byte[512]);
            }

            fixture.readAll("disk0", reader);

            assertEquals(fixture.state("disk0"), reader.state());
        }
    }

    /** The extents of the last run's seals come before this run's attach, and must not look like a stranger's. */
    @Test
    void shouldPublishWhatTheLastRunLeftWithoutASuspicion() throws IOException { // I8
        try (AgentFixture fixture = AgentFixture.open(directory)) {
            Export export = fixture.attach("disk0", SIZE_BYTES);
            fixture.transact(Completion.INDIVIDUAL, AgentFixture.add("disk0", "a"));
            AgentFixture.write(export, 0, new byte[512]);
            fixture.transact(Completion.INDIVIDUAL, AgentFixture.add("disk0", "b"));
        }
        ReadingFold reader = new ReadingFold();
        try (AgentFixture fixture = AgentFixture.open(directory)) {
            var _ = fixture.attach("disk0", SIZE_BYTES);

            fixture.readAll("disk0", reader);

            assertInstanceOf(Trust.Sound.class, reader.state().trust());
            assertEquals(List.of(), reader.complaints());
            assertEquals(Set.of(), reader.differing());
            assertEquals(fixture.state("disk0"), reader.state());
        }
    }

    @Test
    void shouldNotGiveAMarkerBeforeTheImageWasFlushedAfterTheCut() throws Exception { // reliability 6.5, 6.16
        try (AgentFixture fixture = AgentFixture.open(directory)) {
            WatchedBackend backend = fixture.attachWatched("disk0", SIZE_BYTES);
            CountDownLatch mayFlush = new CountDownLatch(1);
            backend.onFlush((offset, length) -> {
                try {
                    mayFlush.await();
                } catch (InterruptedException e) {
                    throw new IOException(e);
                }
            });
            fixture.transact(Completion.INDIVIDUAL, AgentFixture.add("disk0", "a"), archive());
            ReadingFold reader = new ReadingFold();

            try {
                AgentFixture.drain(fixture.feed("disk0"), reader);
                assertTrue(reader.state().undecided().isEmpty(), "the marker came before the flush");
            } finally {
                mayFlush.countDown();
            }
            fixture.readAll("disk0", reader);

            assertFalse(reader.state().undecided().isEmpty());
            assertEquals(1, reader.offered().size());
        }
    }

    @Test
    void shouldGiveAgainWhatWasAskedForWhileABatchWasUnderWay() throws IOException { // reliability 6.7
        try (AgentFixture fixture = AgentFixture.open(directory)) {
            Export export = fixture.attach("disk0", SIZE_BYTES);
            fixture.transact(Completion.INDIVIDUAL, AgentFixture.add("disk0", "a"));
            AgentFixture.drain(fixture.feed("disk0"), new ReadingFold());
            AgentFixture.write(export, 0, new byte[512]);
            DriveFeed feed = fixture.feed("disk0");

            FeedBatch extents = feed.next().orElseThrow();
            feed.republishFrom(1);
            feed.acknowledge(extents);
            FeedBatch controls = feed.next().orElseThrow();
            feed.republishFrom(1);
            feed.acknowledge(controls);

            ReadingFold reader = new ReadingFold();
            fixture.readAll("disk0", reader);
            AgentFixture.drain(feed, reader);
            assertEquals(fixture.state("disk0"), reader.state());
            var bitmap = fixture.bitmap("disk0", "a");
            assertEquals(
                    65_536,
                    reader.union(bitmap.allGenerations(), bitmap.granularity()).dirtyBytes());
        }
    }

    @Test
    void shouldDoNoHarmByGivingEverythingAgain() throws IOException { // design 6.6
        try (AgentFixture fixture = AgentFixture.open(directory)) {
            Export export = fixture.attach("disk0", SIZE_BYTES);
            fixture.transact(Completion.INDIVIDUAL, AgentFixture.add("disk0", "a"));
            AgentFixture.write(export, 0, new byte[512]);
            fixture.transact(Completion.INDIVIDUAL, archive());
            ReadingFold reader = new ReadingFold();
            fixture.readAll("disk0", reader);
            var before = reader.state();
            DriveFeed feed = fixture.feed("disk0");

            feed.republishFrom(1);
            fixture.readAll("disk0", reader);
            for (long generation : fixture.state("disk0").generations().keySet()) {
                feed.republish(before.control(), Set.of(generation));
                AgentFixture.drain(feed, reader);
            }

            assertEquals(before, reader.state());
            assertEquals(List.of(), reader.complaints());
        }
    }

    @Test
    void shouldGoOnWithoutMarksThatAreLostAndThatNobodyTrusts() throws IOException { // I4: or nobody would hear of it
        long sealed;
        try (AgentFixture fixture = AgentFixture.open(directory)) {
            Export export = fixture.attach("disk0", SIZE_BYTES);
            fixture.transact(Completion.INDIVIDUAL, AgentFixture.add("disk0", "a"));
            AgentFixture.write(export, 0, new byte[512]);
            fixture.transact(Completion.INDIVIDUAL, AgentFixture.add("disk0", "b"));
            sealed = fixture.bitmap("disk0", "a").generations().first();
        }
        java.nio.file.Files.delete(directory.resolve("state/disk0").resolve(sealed + ".marks"));
        try (AgentFixture fixture = AgentFixture.open(directory)) {
            var _ = fixture.attach("disk0", SIZE_BYTES);
            ReadingFold reader = ReadingFold.behind();

            fixture.readAll("disk0", reader);

            assertEquals(fixture.state("disk0"), reader.state());
            assertInstanceOf(Trust.Suspect.class, reader.state().trust());
        }
    }

    @Test
    void shouldPublishAMergedGenerationWithItsMergeNotItsSeal() throws IOException { // I4, reliability 6.22
        try (AgentFixture fixture = AgentFixture.open(directory)) {
            Export export = fixture.attach("disk0", SIZE_BYTES);
            fixture.transact(Completion.INDIVIDUAL, AgentFixture.add("disk0", "idle"), AgentFixture.add("disk0", "b"));
            for (int cut = 0; cut <= AgentOptions.GENERATIONS_MAX + 1; cut++) {
                AgentFixture.write(export, cut * 65_536L, new byte[512]);
                StartedBackup backup = fixture.transact(Completion.INDIVIDUAL, AgentFixture.incremental("disk0", "b"))
                        .getFirst();
                fixture.agent().conclude(new DriveId("disk0"), backup.mark().key(), new Conclusion.Written());
            }
            LogRecord merge = read(fixture.feed("disk0")).stream()
                    .filter(record -> record.event() instanceof DriveEvent.GenerationsCoalesced)
                    .reduce((first, last) -> last)
                    .orElseThrow();

            Set<Long> into = Set.of(((DriveEvent.GenerationsCoalesced) merge.event()).into());
            DriveFeed feed = fixture.feed("disk0");
            feed.republish(merge.control() - 1, into);

            assertEquals(merge.control(), feed.nextControl());
            assertFalse(feed.areWanting(into, merge.control()));
            var _ = read(feed);
            assertFalse(feed.areWanting(into, merge.control() - 1));
            assertTrue(feed.areWanting(into, merge.control()));
        }
    }

    private static List<LogRecord> read(DriveFeed feed) throws IOException {
        List<LogRecord> records = new ArrayList<>();
        for (Optional<FeedBatch> batch = feed.next(); batch.isPresent(); batch = feed.next()) {
            records.addAll(batch.get().records());
            feed.acknowledge(batch.get());
        }
        return records;
    }

    @Test
    void shouldGiveNothingOnceTheDriveIsDetached() throws IOException { // I10
        DriveFeed feed;
        try (AgentFixture fixture = AgentFixture.open(directory)) {
            var _ = fixture.attach("disk0", SIZE_BYTES);
            feed = fixture.feed("disk0");
        }

        assertEquals(Optional.empty(), feed.next());
    }

    @Test
    void shouldStampExtentsWithAnIncarnationThatTheReaderKnows() throws IOException { // I8
        try (AgentFixture fixture = AgentFixture.open(directory)) {
            Export export = fixture.attach("disk0", SIZE_BYTES);
            fixture.transact(Completion.INDIVIDUAL, AgentFixture.add("disk0", "a"));
            AgentFixture.write(export, 0, new byte[512]);
            fixture.transact(Completion.INDIVIDUAL, AgentFixture.add("disk0", "b"));
        }
        try (AgentFixture fixture = AgentFixture.open(directory)) {
            var _ = fixture.attach("disk0", SIZE_BYTES);
            DriveFeed feed = fixture.feed("disk0");
            Set<Object> line = new java.util.HashSet<>();
            for (Optional<FeedBatch> batch = feed.next(); batch.isPresent(); batch = feed.next()) {
                for (LogRecord record : batch.get().records()) {
                    if (record.event() instanceof DriveEvent.DriveAttached) {
                        line.add(record.incarnation());
                    }
                    assertTrue(line.contains(record.incarnation()), () -> "a stranger's record: " + record);
                }
                feed.acknowledge(batch.get());
            }
            assertEquals(2, line.size());
        }
    }

    private static Action archive() {
        return new Action.Backup("disk0", SyncMode.FULL, Optional.empty(), Optional.empty(), BackupTarget.ARCHIVE);
    }
}
