package io.varve.capture.tracking;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.varve.capture.nbd.Export;
import io.varve.core.bits.Extent;
import io.varve.core.drive.BitmapStatus;
import io.varve.core.drive.Completion;
import io.varve.core.drive.Conclusion;
import io.varve.core.drive.Recording;
import io.varve.core.fold.ReadingFold;
import io.varve.core.id.BitmapName;
import io.varve.core.id.DriveId;
import io.varve.core.transaction.Action;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** A transaction that fails on its way leaves every drive as it was. */
class UndoTest {
    private static final long SIZE_BYTES = 1 << 20;
    private static final List<String> DRIVES = List.of("disk0", "disk1");
    private static final Extent FIRST = new Extent(0, 65_536);
    private static final Extent SECOND = new Extent(131_072, 65_536);

    @TempDir
    Path directory;

    @Test
    void shouldDropNoBitOfADriveWhenTheMarksOfAnotherCannotBeKept() throws IOException { // I3
        try (AgentFixture fixture = AgentFixture.open(directory)) {
            begin(fixture);
            Path blocked = directory
                    .resolve("state/disk1")
                    .resolve(fixture.state("disk1").open().number() + ".marks.new");
            Files.createDirectories(blocked.resolve("not empty"));

            assertRefused(fixture, clearBoth());

            assertUnchanged(fixture, List.of(FIRST));
            Files.delete(blocked.resolve("not empty"));
            Files.delete(blocked);
            DRIVES.forEach(drive -> AgentFixture.write(fixture.export(drive), SECOND.offsetBytes(), new byte[512]));
            assertUnchanged(fixture, List.of(FIRST, SECOND));
            fixture.transact(Completion.INDIVIDUAL, clearBoth());
            assertUnchanged(fixture, List.of());
        }
    }

    @Test
    void shouldTakeBackWhatADriveRecordedWhenTheJournalOfAnotherFails() throws IOException { // I3
        ReadingFold reader = new ReadingFold();
        try (AgentFixture fixture = AgentFixture.open(directory)) {
            begin(fixture);
            fixture.readAll("disk0", reader);
            breakJournal(fixture, "disk1");

            assertRefused(fixture, clearBoth());

            fixture.readAll("disk0", reader);
            assertEquals(fixture.state("disk0"), reader.state());
            var bitmap = fixture.bitmap("disk0", "a");
            assertEquals(
                    List.of(FIRST),
                    reader.union(bitmap.allGenerations(), bitmap.granularity()).extents());
            assertUnchanged(fixture, "disk0", List.of(FIRST));
            assertThrows(IOException.class, fixture::close);
        }

        try (AgentFixture fixture = AgentFixture.open(directory)) {
            DRIVES.forEach(drive -> attach(fixture, drive));
            assertUnchanged(fixture, List.of(FIRST));
        }
    }

    @Test
    void shouldTakeBackWhatADriveImportedWhenTheJournalOfAnotherFails() throws IOException { // I3
        ReadingFold reader = ReadingFold.behind();
        try (AgentFixture fixture = AgentFixture.open(directory)) {
            begin(fixture);
            AgentFixture.write(fixture.export("disk1"), SECOND.offsetBytes(), new byte[512]);
            fixture.readAll("disk0", reader);
            breakJournal(fixture, "disk1");

            assertRefused(
                    fixture,
                    new Action.AddBitmap("disk0", "new", Optional.of(4096L), true, Recording.ENABLED),
                    merge("new"),
                    merge("a"));

            fixture.readAll("disk0", reader);
            assertEquals(fixture.state("disk0"), reader.state());
            assertEquals(Set.of(), reader.differing());
            assertEquals(Optional.empty(), fixture.state("disk0").bitmap(new BitmapName("new")));
            assertUnchanged(fixture, "disk0", List.of(FIRST));
            assertThrows(IOException.class, fixture::close);
        }

        try (AgentFixture fixture = AgentFixture.open(directory)) {
            DRIVES.forEach(drive -> attach(fixture, drive));
            assertUnchanged(fixture, "disk0", List.of(FIRST));
        }
    }

    private static Action merge(String target) {
        return new Action.MergeBitmaps("disk0", target, List.of(new Action.MergeBitmaps.Source("disk1", "a")));
    }

    @Test
    void shouldFailTheBackupsOfADriveThatRecordedWhenAnotherFails() throws IOException { // I3
        try (AgentFixture fixture = AgentFixture.open(directory)) {
            begin(fixture);
            breakJournal(fixture, "disk1");

            assertRefused(fixture, AgentFixture.incremental("disk0", "a"), AgentFixture.incremental("disk1", "a"));

            assertInstanceOf(
                    BitmapStatus.Idle.class, fixture.bitmap("disk0", "a").status());
            assertTrue(fixture.state("disk0").undecided().isEmpty());
            assertUnchanged(fixture, "disk0", List.of(FIRST));
            assertThrows(IOException.class, fixture::close);
        }
    }

    @Test
    void shouldNotUndoADurableTransactionWhenOldMarksCannotBeRemoved() throws IOException { // I3, I1
        try (AgentFixture fixture = AgentFixture.open(directory)) {
            begin(fixture);
            long old = fixture.bitmap("disk0", "a").generations().first();
            fixture.transact(Completion.INDIVIDUAL, AgentFixture.add("disk0", "b"));
            AgentFixture.write(fixture.export("disk0"), SECOND.offsetBytes(), new byte[512]);
            assertEquals(List.of(FIRST, SECOND), fixture.content("disk0", "a").extents());
            Path marks = directory.resolve("state/disk0").resolve(old + ".marks");
            Files.delete(marks);
            Files.createDirectories(marks.resolve("not empty"));

            fixture.transact(Completion.INDIVIDUAL, new Action.ClearBitmap("disk0", "a"));

            AgentFixture.write(fixture.export("disk0"), 0, new byte[512]);
            assertEquals(List.of(FIRST), fixture.content("disk0", "a").extents());
            assertEquals(List.of(FIRST, SECOND), fixture.content("disk0", "b").extents());
            Files.delete(marks.resolve("not empty"));
        }
    }

    private static void begin(AgentFixture fixture) {
        for (String drive : DRIVES) {
            attach(fixture, drive);
            fixture.transact(Completion.INDIVIDUAL, AgentFixture.add(drive, "a"));
            AgentFixture.write(fixture.export(drive), 0, new byte[512]);
        }
    }

    private static Export attach(AgentFixture fixture, String drive) {
        try {
            return fixture.attach(drive, SIZE_BYTES);
        } catch (IOException e) {
            throw new AssertionError(e);
        }
    }

    /** A write to a channel by an interrupted thread fails, and closes it: as a failing disk would. */
    private static void breakJournal(AgentFixture fixture, String drive) {
        StartedBackup backup = fixture.transact(Completion.INDIVIDUAL, AgentFixture.full(drive))
                .getFirst();
        Thread.currentThread().interrupt();
        assertThrows(
                IOException.class,
                () -> fixture.agent().conclude(new DriveId(drive), backup.mark().key(), new Conclusion.Written()));
        assertTrue(Thread.interrupted());
    }

    private static Action[] clearBoth() {
        return new Action[] {
            new Action.ClearBitmap("disk0", "a"),
            new Action.AddBitmap("disk0", "new", Optional.of(4096L), true, Recording.ENABLED),
            new Action.ClearBitmap("disk1", "a")
        };
    }

    private static void assertRefused(AgentFixture fixture, Action... actions) {
        assertInstanceOf(
                Transacted.Refused.class,
                fixture.agent()
                        .transact(
                                List.of(actions),
                                Completion.INDIVIDUAL,
                                fixture.agent().newSyncPointId()));
    }

    private static void assertUnchanged(AgentFixture fixture, List<Extent> extents) throws IOException {
        for (String drive : DRIVES) {
            assertUnchanged(fixture, drive, extents);
        }
    }

    private static void assertUnchanged(AgentFixture fixture, String drive, List<Extent> extents) throws IOException {
        assertEquals(extents, fixture.content(drive, "a").extents(), drive);
    }
}
