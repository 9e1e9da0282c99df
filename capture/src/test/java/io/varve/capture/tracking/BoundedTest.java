package io.varve.capture.tracking;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.varve.core.bits.Extent;
import io.varve.core.drive.Arrival;
import io.varve.core.drive.BitmapStatus;
import io.varve.core.drive.Completion;
import io.varve.core.event.DriveEvent;
import io.varve.core.feed.FeedBatch;
import io.varve.core.fold.ReadingFold;
import io.varve.core.transaction.Action;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Set;
import java.util.SortedSet;
import java.util.TreeSet;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class BoundedTest {
    private static final long SIZE_BYTES = 1 << 20;
    private static final int TRANSACTIONS = 10_000;

    /** As long as QEMU lets it be, so that the journal grows fast. */
    private static final String NAME = "b".repeat(1023);

    /** Ten thousand transactions are tens of thousands of fdatasyncs: in memory where there's room for that. */
    @TempDir(factory = MemoryBacked.class)
    Path directory;

    @Test
    void shouldLeaveNothingOfTenThousandBitmaps() throws IOException { // I10
        try (AgentFixture fixture = AgentFixture.open(directory)) {
            var export = fixture.attach("disk0", SIZE_BYTES);
            fixture.transact(Completion.INDIVIDUAL, AgentFixture.add("disk0", "kept"));
            addAndRemove(fixture, 10);
            ReadingFold reader = ReadingFold.behind();
            fixture.readAll("disk0", reader);
            SortedSet<String> files = files();
            long descriptors = descriptors();
            long mappings = mappings();

            for (int round = 0; round < TRANSACTIONS / 200; round++) {
                AgentFixture.write(export, round % 16 * 65_536L, new byte[512]);
                addAndRemove(fixture, 100);
                fixture.readAll("disk0", reader);
                assertTrue(
                        fixture.state("disk0").generations().size() <= AgentOptions.GENERATIONS_MAX + 1,
                        () -> "retained: "
                                + fixture.state("disk0").generations().keySet());
            }

            assertAtMost(files.size() + 2 * AgentOptions.GENERATIONS_MAX, files().size(), "files");
            assertAtMost(descriptors + 2, descriptors(), "descriptors");
            assertAtMost(mappings + AgentOptions.GENERATIONS_MAX, mappings(), "mappings");
            long journalBytes = Files.size(directory.resolve("state/disk0/journal"));
            assertTrue(journalBytes <= 2 * AgentOptions.JOURNAL_BYTES, () -> "journal of " + journalBytes + " bytes");
            assertEquals(
                    List.of(new Extent(0, SIZE_BYTES)),
                    fixture.content("disk0", "kept").extents());
            assertEquals(fixture.state("disk0"), reader.state());
            assertEquals(Set.of(), reader.differing());
        }
        assertEquals(0, files().stream().filter(f -> f.contains("live/disk0/")).count());
        assertEquals(0, mappings());
    }

    @Test
    void shouldGoOnFromACheckpoint() throws IOException { // reliability 6.21
        try (AgentFixture fixture = AgentFixture.open(directory)) {
            var export = fixture.attach("disk0", SIZE_BYTES);
            fixture.transact(Completion.INDIVIDUAL, AgentFixture.add("disk0", "kept"));
            AgentFixture.write(export, 0, new byte[512]);
            while (fixture.feed("disk0").next().stream()
                    .flatMap(b -> b.records().stream())
                    .noneMatch(r -> r.event() instanceof DriveEvent.Checkpoint)) {
                addAndRemove(fixture, 50);
                AgentFixture.drain(fixture.feed("disk0"), ReadingFold.behind(), this::isCheckpoint);
            }

            ReadingFold late = new ReadingFold();
            fixture.feed("disk0").republishFrom(1);
            fixture.readAll("disk0", late);

            assertEquals(fixture.state("disk0"), late.state());
            assertEquals(
                    List.of(new Extent(0, 65_536)),
                    fixture.content("disk0", "kept").extents());
        }
        try (AgentFixture fixture = AgentFixture.open(directory)) {
            var _ = fixture.attach("disk0", SIZE_BYTES);
            assertInstanceOf(
                    BitmapStatus.Idle.class, fixture.bitmap("disk0", "kept").status());
            ReadingFold late = fixture.read("disk0");
            assertEquals(fixture.state("disk0"), late.state());
            assertEquals(
                    List.of(new Extent(0, 65_536)),
                    fixture.content("disk0", "kept").extents());
            assertEquals(Arrival.CLEAN, arrival(fixture));
        }
    }

    @Test
    void shouldLeaveNothingOpenWhenDrivesComeAndGo() throws IOException { // I10
        cycle();
        long descriptors = descriptors();

        for (int round = 0; round < 20; round++) {
            cycle();
        }

        assertAtMost(descriptors, descriptors(), "descriptors");
        assertEquals(0, mappings());
    }

    @Test
    void shouldLeaveNothingOpenWhenADriveCannotBeAttached() throws IOException { // I10
        cycle();
        Path journal = directory.resolve("state/disk0/journal");
        byte[] damaged = Files.readAllBytes(journal);
        damaged[40] ^= 1;
        Files.write(journal, damaged);
        long descriptors = descriptors();

        for (int round = 0; round < 20; round++) {
            try (AgentFixture fixture = AgentFixture.open(directory)) {
                org.junit.jupiter.api.Assertions.assertThrows(
                        IOException.class, () -> fixture.attach("disk0", SIZE_BYTES));
            }
        }

        assertAtMost(descriptors, descriptors(), "descriptors");
        assertEquals(0, mappings());
    }

    private static void assertAtMost(long max, long found, String what) {
        assertTrue(found <= max, () -> found + " " + what + "; expected at most " + max);
    }

    private void cycle() throws IOException {
        try (AgentFixture fixture = AgentFixture.open(directory)) {
            var export = fixture.attach("disk0", SIZE_BYTES);
            if (fixture.state("disk0").bitmaps().isEmpty()) {
                fixture.transact(Completion.INDIVIDUAL, AgentFixture.add("disk0", "kept"));
            }
            AgentFixture.write(export, 0, new byte[512]);
            fixture.transact(Completion.INDIVIDUAL, AgentFixture.full("disk0"));
        }
    }

    private boolean isCheckpoint(FeedBatch batch) {
        return batch.records().stream().anyMatch(r -> r.event() instanceof DriveEvent.Checkpoint);
    }

    private static Arrival arrival(AgentFixture fixture) throws IOException {
        DriveFeed feed = fixture.feed("disk0");
        feed.republishFrom(1);
        List<Arrival> arrivals = new java.util.ArrayList<>();
        for (var batch = feed.next(); batch.isPresent(); batch = feed.next()) {
            batch.get().records().forEach(r -> {
                if (r.event() instanceof DriveEvent.DriveAttached attached) {
                    arrivals.add(attached.arrival());
                }
            });
            feed.acknowledge(batch.get());
        }
        return arrivals.getLast();
    }

    private static void addAndRemove(AgentFixture fixture, int count) {
        for (int round = 0; round < count; round++) {
            fixture.transact(Completion.INDIVIDUAL, AgentFixture.add("disk0", NAME));
            fixture.transact(Completion.INDIVIDUAL, new Action.RemoveBitmap("disk0", NAME));
        }
    }

    private SortedSet<String> files() throws IOException {
        try (Stream<Path> files = Files.walk(directory)) {
            return new TreeSet<>(
                    files.filter(Files::isRegularFile).map(Path::toString).toList());
        }
    }

    private static long descriptors() throws IOException {
        try (Stream<Path> files = Files.list(Path.of("/proc/self/fd"))) {
            return files.count();
        }
    }

    private long mappings() throws IOException {
        try (Stream<String> lines = Files.lines(Path.of("/proc/self/maps"))) {
            return lines.filter(line -> line.contains(directory.toString())).count();
        }
    }
}
