package io.varve.streams;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.varve.core.Seeds;
import io.varve.core.bits.Extent;
import io.varve.core.bits.Marks;
import io.varve.core.bits.PackedMarks;
import io.varve.core.commit.Outcome;
import io.varve.core.commit.Task;
import io.varve.core.commit.Verdict;
import io.varve.core.drive.BackupKind;
import io.varve.core.drive.Completion;
import io.varve.core.drive.Conclusion;
import io.varve.core.drive.Cut;
import io.varve.core.event.DriveEvent;
import io.varve.core.event.LogRecord;
import io.varve.core.fold.ReadingFold;
import io.varve.core.transaction.Action;
import io.varve.core.transaction.SyncMode;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;
import java.util.TreeSet;
import java.util.stream.LongStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class FoldTopologyTest {
    private static final String DRIVE = "vda";
    private static final long SIZE_BYTES = 64L << 20;

    @TempDir
    Path folder;

    @Test
    void shouldAgreeBitForBitWithANaiveFoldHoweverOftenRecordsCome() { // I6 of the design
        Seeds.forEach(25, random -> {
            List<LogRecord> log = randomLife(random).log();
            ReadingFold naive = new ReadingFold();
            log.forEach(naive::read);

            try (TopologyFixture topology = new TopologyFixture(folder.resolve("agree"))) {
                topology.publish(withRepeats(log, random));

                assertEquals(naive.state(), topology.state(DRIVE));
                naive.state().generations().values().forEach(generation -> {
                    Marks expected = Marks.none(generation.granularity(), generation.sizeBytes());
                    Marks known = naive.marks().get(generation.number());
                    if (known != null) {
                        expected.union(known);
                    }
                    assertEquals(
                            expected.digest(), topology.marks(DRIVE, generation).digest());
                });
            }
        });
    }

    @Test
    void shouldKeepNothingOfWhatNobodyRefersTo() { // I10
        WritingHost host = WritingHost.withAnchoredBitmaps(SIZE_BYTES, 65536, DRIVE);
        host.write(DRIVE, 0, SIZE_BYTES);
        host.transact(Completion.INDIVIDUAL, new Action.RemoveBitmap(DRIVE, WritingHost.BITMAP));

        try (TopologyFixture topology = new TopologyFixture(folder)) {
            topology.publish(host.log());

            assertEquals(0, topology.pages());
        }
    }

    @Test
    void shouldOfferTheCutThatTheAgentMade() {
        WritingHost host = WritingHost.withAnchoredBitmaps(SIZE_BYTES, 65536, DRIVE);
        host.write(DRIVE, 70_000, 1);
        host.write(DRIVE, 40L << 20, 200_000);
        host.backup(Completion.INDIVIDUAL, SyncMode.INCREMENTAL, DRIVE);

        try (TopologyFixture topology = new TopologyFixture(folder)) {
            topology.publish(host.log());

            Task.Copy copy = assertInstanceOf(Task.Copy.class, topology.tasks().getLast());
            Marks cut = copy.part().cut().map(PackedMarks::unpack).orElseThrow();
            assertEquals(cutOf(copy).digest(), cut.digest());
            assertEquals(
                    List.of(65_536L, 40L << 20),
                    cut.extents().stream().map(e -> e.offsetBytes()).toList());
        }
    }

    @Test
    void shouldLeaveOutACutThatIsTooLargeForAMessage() {
        WritingHost host = WritingHost.withAnchoredBitmaps(512L << 20, 512, DRIVE);
        host.write(
                DRIVE,
                LongStream.range(0, 300L << 10)
                        .mapToObj(kibibyte -> new Extent(kibibyte << 10, 1))
                        .toList());
        host.backup(Completion.INDIVIDUAL, SyncMode.INCREMENTAL, DRIVE);

        try (TopologyFixture topology = new TopologyFixture(folder)) {
            topology.publish(host.log());

            Task.Copy copy = assertInstanceOf(Task.Copy.class, topology.tasks().getLast());
            assertTrue(copy.part().cut().isEmpty());
            assertEquals(300L << 19, cutOf(copy).dirtyBytes());
        }
    }

    @Test
    void shouldAskForALostMarkAndOfferTheCutOnceItCame() { // I4
        WritingHost host = WritingHost.withAnchoredBitmaps(SIZE_BYTES, 65536, DRIVE);
        LogRecord lost = host.write(DRIVE, 70_000, 1);
        host.write(DRIVE, 10L << 20, 1);
        host.backup(Completion.INDIVIDUAL, SyncMode.INCREMENTAL, DRIVE);
        List<LogRecord> arriving = new ArrayList<>(host.log());
        arriving.remove(lost);

        try (TopologyFixture topology = new TopologyFixture(folder)) {
            topology.publish(arriving);
            List<Task> before = topology.tasks();
            var asked = assertInstanceOf(
                    Outcome.RepublicationRequested.class, topology.told().getFirst());
            topology.publish(host.published(DRIVE, asked.fromControl(), asked.generations()));

            assertTrue(before.stream().noneMatch(FoldTopologyTest::copiesAnIncrement), before::toString);
            assertTrue(asked.generations().contains(((DriveEvent.ExtentsDirtied) lost.event()).generation()));
            assertTrue(topology.tasks().stream().anyMatch(FoldTopologyTest::copiesAnIncrement));
        }
    }

    @Test
    void shouldAbortWhatNeedsAMarkThatStaysLost() { // I4
        WritingHost host = WritingHost.withAnchoredBitmaps(SIZE_BYTES, 65536, DRIVE);
        LogRecord lost = host.write(DRIVE, 70_000, 1);
        host.backup(Completion.INDIVIDUAL, SyncMode.INCREMENTAL, DRIVE);
        List<LogRecord> arriving = new ArrayList<>(host.log());
        arriving.remove(lost);

        try (TopologyFixture topology = new TopologyFixture(folder)) {
            topology.publish(arriving);
            var asked = assertInstanceOf(
                    Outcome.RepublicationRequested.class, topology.told().getFirst());
            topology.tasks();
            topology.publish(host.published(DRIVE, asked.fromControl(), new TreeSet<>()));

            Task.Decide decide =
                    assertInstanceOf(Task.Decide.class, topology.tasks().getFirst());
            assertInstanceOf(Verdict.Aborted.class, decide.proposed());
        }
    }

    @Test
    void shouldAskOnceForControlEventsThatAreMissing() {
        WritingHost host = WritingHost.withAnchoredBitmaps(SIZE_BYTES, 65536, DRIVE);
        host.transact(Completion.INDIVIDUAL, WritingHost.add(DRIVE, "c", 4096));
        List<LogRecord> arriving = new ArrayList<>(host.log());
        long known = arriving.getLast().control() - 2;
        arriving.removeIf(record -> record.control() > known);
        arriving.add(host.write(DRIVE, 0, 1));
        arriving.add(host.write(DRIVE, 0, 1));

        try (TopologyFixture topology = new TopologyFixture(folder)) {
            topology.publish(arriving);

            assertEquals(
                    List.of(new Outcome.RepublicationRequested(host.state(DRIVE).drive(), known + 1, new TreeSet<>())),
                    topology.told());
        }
    }

    private static boolean copiesAnIncrement(Task task) {
        return task instanceof Task.Copy copy && copy.part().mark().kind() instanceof BackupKind.Incremental;
    }

    private static Cut cutOf(Task.Copy copy) {
        return copy.part().mark().cut().orElseThrow();
    }

    /** Each record, and now and then some of those before it once more, as after a restart. */
    private static List<LogRecord> withRepeats(List<LogRecord> log, SplittableRandom random) {
        List<LogRecord> arriving = new ArrayList<>();
        for (int at = 0; at < log.size(); at++) {
            arriving.add(log.get(at));
            if (random.nextInt(8) == 0) {
                int back = random.nextInt(Math.min(at + 1, 12));
                arriving.addAll(log.subList(at - back, at + 1));
            }
        }
        return arriving;
    }

    private static WritingHost randomLife(SplittableRandom random) {
        long sizeBytes = 512 * (1 + random.nextLong(400_000));
        WritingHost host = WritingHost.withAnchoredBitmaps(sizeBytes, 512L << random.nextInt(9), DRIVE);
        for (int step = 0; step < 60; step++) {
            randomStep(host, sizeBytes, random);
        }
        return host;
    }

    private static void randomStep(WritingHost host, long sizeBytes, SplittableRandom random) {
        boolean idle = host.state(DRIVE).undecided().isEmpty();
        String other = "c" + random.nextInt(1000);
        switch (random.nextInt(10)) {
            case 0 -> {
                if (idle) {
                    host.backup(Completion.INDIVIDUAL, SyncMode.INCREMENTAL, DRIVE);
                } else {
                    host.conclude(
                            DRIVE,
                            new Conclusion.Committed(WritingHost.anchor(
                                    host.state(DRIVE).undecided().firstKey().syncPoint())));
                }
            }
            case 1 -> {
                if (host.state(DRIVE).bitmaps().size() < 4) {
                    host.transact(Completion.INDIVIDUAL, WritingHost.add(DRIVE, other, 512L << random.nextInt(9)));
                }
            }
            case 2 -> host.coalesce(DRIVE);
            default -> host.write(DRIVE, random.nextLong(sizeBytes), 1 + random.nextLong(200_000));
        }
    }
}
