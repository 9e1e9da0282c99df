package io.varve.streams;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.varve.core.bits.Extent;
import io.varve.core.commit.Outcome;
import io.varve.core.commit.Task;
import io.varve.core.commit.Verdict;
import io.varve.core.drive.Anchor;
import io.varve.core.drive.Arrival;
import io.varve.core.drive.BackupKind;
import io.varve.core.drive.Completion;
import io.varve.core.drive.Cut;
import io.varve.core.drive.FullCause;
import io.varve.core.drive.ImageIdentity;
import io.varve.core.drive.SyncPointMark;
import io.varve.core.drive.Trust;
import io.varve.core.event.DriveEvent;
import io.varve.core.event.LogRecord;
import io.varve.core.id.DriveId;
import io.varve.core.id.IncarnationId;
import io.varve.core.id.SyncPointId;
import io.varve.core.transaction.SyncMode;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Optional;
import java.util.SortedSet;
import java.util.TreeSet;
import java.util.UUID;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * What may happen to a drive's log, one kind a test: no increment is copied from a picture that isn't the agent's, and
 * what can heal does. docs/desync.md lists the kinds that are noticed elsewhere.
 */
class DesyncTest {
    private static final String DRIVE = "vda";
    private static final long SIZE_BYTES = 64L << 20;
    private static final IncarnationId STRANGER = new IncarnationId(new UUID(9, 9));

    @TempDir
    Path folder;

    private final WritingHost host = WritingHost.withAnchoredBitmaps(SIZE_BYTES, 65536, DRIVE);

    @Test
    void shouldHealADroppedRecordOfMarks() { // I4
        LogRecord lost = host.write(DRIVE, 70_000, 1);
        SyncPointMark mark = increment();
        List<LogRecord> arriving = without(lost);

        try (TopologyFixture topology = new TopologyFixture(folder)) {
            topology.publish(arriving);

            mustCopyNoIncrement(topology);
            mustHealByPublishingAgain(topology, mark);
        }
    }

    @Test
    void shouldTellTheAgentOfMarksThatStayLost() { // I4: its bitmaps are inconsistent then
        LogRecord lost = host.write(DRIVE, 70_000, 1);
        increment();
        List<LogRecord> arriving = without(lost);

        try (TopologyFixture topology = new TopologyFixture(folder)) {
            topology.publish(arriving);
            var asked = asked(topology).getFirst();
            topology.publish(host.published(DRIVE, asked.fromControl(), new TreeSet<>()));

            mustAbort(topology);
            var doubted = asked(topology).getFirst();
            assertEquals(FullCause.DIGEST_DIFFERS, doubted.doubt().orElseThrow().cause());
            assertEquals(asked.generations(), doubted.generations());
        }
    }

    /**
     * A record under another generation's number, or a broken store: publishing again adds to it, and can't mend it.
     */
    @Test
    void shouldHealMarksThatNobodyMade() { // I4
        LogRecord right = host.write(DRIVE, 70_000, 1);
        SyncPointMark mark = increment();
        DriveEvent.ExtentsDirtied dirtied = (DriveEvent.ExtentsDirtied) right.event();
        LogRecord wrong = new LogRecord(
                right.drive(),
                right.incarnation(),
                0,
                new DriveEvent.ExtentsDirtied(dirtied.generation(), 9, List.of(new Extent(9 << 20, 65_536)), 1, 1));
        List<LogRecord> arriving = new ArrayList<>(host.log());
        arriving.add(arriving.indexOf(right), wrong);

        try (TopologyFixture topology = new TopologyFixture(folder)) {
            topology.publish(arriving);

            mustCopyNoIncrement(topology);
            mustHealByPublishingAgain(topology, mark);
        }
    }

    @Test
    void shouldHealADroppedControlRecord() { // I4
        host.write(DRIVE, 70_000, 1);
        SyncPointMark mark = increment();
        LogRecord lost = host.log().stream()
                .filter(record -> record.event() instanceof DriveEvent.GenerationSealed)
                .reduce((_, last) -> last)
                .orElseThrow();

        try (TopologyFixture topology = new TopologyFixture(folder)) {
            topology.publish(without(lost));

            mustCopyNoIncrement(topology);
            mustHealByPublishingAgain(topology, mark);
        }
    }

    @Test
    void shouldGoByTheNumbersOfControlRecordsThatComeTwiceAndInAnotherOrder() { // I4, I12
        host.write(DRIVE, 70_000, 1);
        SyncPointMark mark = increment();
        List<LogRecord> arriving = new ArrayList<>(host.log());
        int first = arriving.size() - 2;
        Collections.swap(arriving, first, first + 1);
        arriving.addAll(arriving.subList(0, first));

        try (TopologyFixture topology = new TopologyFixture(folder)) {
            topology.publish(arriving);

            mustCopyNoIncrement(topology);
            mustHealByPublishingAgain(topology, mark);
            assertEquals(host.state(DRIVE), topology.state(DRIVE));
        }
    }

    /** The topic lost its beginning, and the topology's stores are new. */
    @Test
    void shouldHealATruncatedTopic() { // I4
        host.write(DRIVE, 70_000, 1);
        SyncPointMark mark = increment();
        List<LogRecord> log = host.log();

        try (TopologyFixture topology = new TopologyFixture(folder)) {
            topology.publish(log.subList(log.size() / 2, log.size()));

            mustCopyNoIncrement(topology);
            assertEquals(1, asked(topology).getFirst().fromControl());
            publishAgain(topology, 1, new TreeSet<>());
            mustHealByPublishingAgain(topology, mark);
            assertEquals(host.state(DRIVE), topology.state(DRIVE));
        }
    }

    @Test
    void shouldGoOnFromACheckpointWhereTheJournalHoldsNoMore() { // I4, reliability 6.21
        host.write(DRIVE, 70_000, 1);
        LogRecord whole = host.checkpoint(DRIVE);
        SyncPointMark mark = increment();
        List<LogRecord> log = host.log();

        try (TopologyFixture topology = new TopologyFixture(folder)) {
            topology.publish(log.subList(0, 2));
            topology.publish(log.subList(log.indexOf(whole) + 1, log.size()));
            mustCopyNoIncrement(topology);

            // A journal that was compacted begins with its checkpoint, behind which all marks come again.
            publishAgain(topology, whole.control(), new TreeSet<>());
            mustHealByPublishingAgain(topology, mark);
            assertEquals(host.state(DRIVE), topology.state(DRIVE));
        }
    }

    @Test
    void shouldRefuseIncrementsAfterAZombieAndTellTheAgent() { // I8
        host.write(DRIVE, 70_000, 1);
        List<LogRecord> before = host.news();
        LogRecord strange = new LogRecord(
                new DriveId(DRIVE),
                STRANGER,
                0,
                new DriveEvent.ExtentsDirtied(
                        host.state(DRIVE).open().number(), 1, List.of(new Extent(0, 65_536)), 1, 1));
        increment();

        try (TopologyFixture topology = new TopologyFixture(folder)) {
            topology.publish(before);
            topology.publish(List.of(strange));
            topology.publish(host.news());

            mustAbort(topology);
            assertInstanceOf(Trust.Suspect.class, topology.state(DRIVE).trust());
            assertEquals(
                    FullCause.SECOND_WRITER,
                    asked(topology).getFirst().doubt().orElseThrow().cause());
        }
    }

    /** The agent's state folder was rolled back: it goes on from a state that the log is beyond of. */
    @Test
    void shouldRefuseAnAgentWhoseStateWasRolledBack() { // I8
        List<LogRecord> common = host.news();
        IncarnationId first = common.getLast().incarnation();
        LogRecord heir = attached(new IncarnationId(new UUID(1, 2)), first);
        LogRecord rolledBack = attached(STRANGER, first);
        host.write(DRIVE, 70_000, 1);
        increment();
        List<LogRecord> claimed = host.news().stream()
                .map(record -> new LogRecord(
                        record.drive(), STRANGER, record.isControl() ? record.control() + 1 : 0, record.event()))
                .toList();

        try (TopologyFixture topology = new TopologyFixture(folder)) {
            topology.publish(common);
            topology.publish(List.of(heir));
            topology.tasks();
            topology.publish(List.of(rolledBack));
            topology.publish(claimed);

            mustAbort(topology);
            assertInstanceOf(Trust.Suspect.class, topology.state(DRIVE).trust());
        }
    }

    /** What an agent says that goes on with the drive as {@code last} left it. */
    private LogRecord attached(IncarnationId incarnation, IncarnationId last) {
        var state = host.state(DRIVE);
        return new LogRecord(
                state.drive(),
                incarnation,
                state.control() + 1,
                new DriveEvent.DriveAttached(
                        state.journal(),
                        Optional.of(last),
                        state.open().number(),
                        state.open().granularity(),
                        state.sizeBytes(),
                        new ImageIdentity("disk.raw", "1", 0, ""),
                        Arrival.RECOVERED));
    }

    @Test
    void shouldRefuseAnIncrementOnAnotherParentThanTheBitmapsAnchor() { // I4, reliability 2i
        host.write(DRIVE, 70_000, 1);
        SyncPointMark right = increment();
        Anchor other = WritingHost.anchor(new SyncPointId("sp-other"));
        List<LogRecord> arriving = new ArrayList<>(host.log());
        BackupKind wrong = new BackupKind.Incremental(Optional.of(other));
        arriving.add(claiming(arriving.removeLast(), right, wrong, right.cut().orElseThrow()));

        try (TopologyFixture topology = new TopologyFixture(folder)) {
            topology.publish(arriving);

            mustAbort(topology);
        }
    }

    @Test
    void shouldRefuseACutThatTheAgentMadeOtherwise() { // I4: one whose digest is of other marks than its generations'
        host.write(DRIVE, 70_000, 1);
        SyncPointMark right = increment();
        Cut cut = right.cut().orElseThrow();
        Cut wrong = new Cut(
                cut.bitmap(),
                cut.mode(),
                cut.generations(),
                cut.granularity(),
                cut.dirtyBytes(),
                WritingHost.anchor(right.key().syncPoint()).manifestSha256());
        List<LogRecord> arriving = new ArrayList<>(host.log());
        LogRecord claimed = claiming(arriving.removeLast(), right, right.kind(), wrong);
        arriving.add(claimed);

        try (TopologyFixture topology = new TopologyFixture(folder)) {
            topology.publish(arriving);
            mustCopyNoIncrement(topology);
            var _ = asked(topology);

            topology.publish(List.of(claimed));

            mustAbort(topology);
            assertEquals(
                    FullCause.DIGEST_DIFFERS,
                    asked(topology).getFirst().doubt().orElseThrow().cause());
        }
    }

    /** The record of a mark that says otherwise than it should. */
    private static LogRecord claiming(LogRecord record, SyncPointMark right, BackupKind kind, Cut cut) {
        SyncPointMark wrong = new SyncPointMark(
                right.key(),
                right.participants(),
                right.completion(),
                right.target(),
                kind,
                Optional.of(cut),
                right.anchors(),
                right.sizeBytes(),
                right.export());
        return new LogRecord(
                record.drive(), record.incarnation(), record.control(), new DriveEvent.SyncPointMarked(wrong));
    }

    /** Takes a cut of the bitmap; its mark. */
    private SyncPointMark increment() {
        SyncPointId syncPoint = host.backup(Completion.INDIVIDUAL, SyncMode.INCREMENTAL, DRIVE);
        return host.state(DRIVE).undecided().values().stream()
                .map(backup -> backup.mark())
                .filter(mark -> mark.key().syncPoint().equals(syncPoint))
                .findFirst()
                .orElseThrow();
    }

    private List<LogRecord> without(LogRecord lost) {
        List<LogRecord> arriving = new ArrayList<>(host.log());
        assertTrue(arriving.remove(lost));
        return arriving;
    }

    /** What was asked of the agent since the last call. */
    private static List<Outcome.RepublicationRequested> asked(TopologyFixture topology) {
        return topology.told().stream()
                .filter(Outcome.RepublicationRequested.class::isInstance)
                .map(Outcome.RepublicationRequested.class::cast)
                .toList();
    }

    /** The agent does what it was asked for: then the increment is copied, and nobody doubts anything. */
    private void mustHealByPublishingAgain(TopologyFixture topology, SyncPointMark mark) {
        List<Outcome.RepublicationRequested> asked = asked(topology);
        assertTrue(
                !asked.isEmpty() && asked.stream().allMatch(one -> one.doubt().isEmpty()), asked::toString);
        for (Outcome.RepublicationRequested one : asked) {
            publishAgain(topology, one.fromControl(), one.generations());
        }
        List<Task> tasks = topology.tasks();
        assertTrue(isCopied(tasks, mark), tasks::toString);
        assertTrue(tasks.stream().allMatch(Task.Copy.class::isInstance), tasks::toString);
        assertTrue(asked(topology).stream().allMatch(one -> one.doubt().isEmpty()));
    }

    /** As an agent does: all retained marks when no generation is named. */
    private void publishAgain(TopologyFixture topology, long fromControl, SortedSet<Long> generations) {
        SortedSet<Long> named = generations.isEmpty()
                ? new TreeSet<>(host.state(DRIVE).generations().keySet())
                : generations;
        topology.publish(host.published(DRIVE, fromControl, named));
    }

    private static boolean isCopied(List<Task> tasks, SyncPointMark mark) {
        return tasks.stream()
                .anyMatch(task -> task instanceof Task.Copy copy
                        && copy.part().mark().key().equals(mark.key()));
    }

    private static void mustCopyNoIncrement(TopologyFixture topology) {
        List<Task> tasks = topology.tasks();
        assertTrue(tasks.stream().noneMatch(DesyncTest::isOfIncrement), tasks::toString);
    }

    private static void mustAbort(TopologyFixture topology) {
        List<Task> tasks = topology.tasks();
        assertTrue(tasks.stream().noneMatch(DesyncTest::isOfIncrement), tasks::toString);
        assertTrue(
                tasks.stream()
                        .anyMatch(task -> task instanceof Task.Decide(var unit, var proposed, var drives)
                                && proposed instanceof Verdict.Aborted),
                tasks::toString);
    }

    private static boolean isOfIncrement(Task task) {
        return task instanceof Task.Copy copy && copy.part().mark().kind() instanceof BackupKind.Incremental;
    }
}
