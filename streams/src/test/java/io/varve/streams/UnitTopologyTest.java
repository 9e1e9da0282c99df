package io.varve.streams;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.varve.core.bits.Digest;
import io.varve.core.bits.HierarchicalBitSet;
import io.varve.core.commit.CommitProtocol;
import io.varve.core.commit.ManifestRef;
import io.varve.core.commit.Outcome;
import io.varve.core.commit.Task;
import io.varve.core.commit.UnitId;
import io.varve.core.commit.UnitState;
import io.varve.core.commit.Verdict;
import io.varve.core.drive.Completion;
import io.varve.core.drive.Conclusion;
import io.varve.core.event.LogRecord;
import io.varve.core.id.DriveId;
import io.varve.core.transaction.SyncMode;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.SortedMap;
import java.util.TreeMap;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class UnitTopologyTest {
    private static final ManifestRef MANIFEST = new ManifestRef("m", Digest.of(HierarchicalBitSet.ofHeap(1)));
    private static final DriveId A = new DriveId("a");
    private static final DriveId B = new DriveId("b");

    @TempDir
    Path folder;

    private final WritingHost host = WritingHost.withAnchoredBitmaps(1 << 20, 65536, "a", "b");
    private Optional<TopologyFixture> started = Optional.empty();

    @BeforeEach
    void start() {
        started = Optional.of(new TopologyFixture(folder));
        topology().publish(host.log());
        UnitId full = topology().tasks().getFirst().unit();
        topology().say(new Outcome.Decided(full, A, new Verdict.Aborted("only the increments matter here")));
        topology().units();
    }

    @AfterEach
    void stop() {
        topology().close();
    }

    private TopologyFixture topology() {
        return started.orElseThrow();
    }

    @Test
    void shouldSendAGroupsTasksOnlyWhenEveryPartIsThere() {
        List<LogRecord> records = cut(Completion.GROUPED);

        topology().publish(of(A, records));
        List<Task> before = topology().tasks();
        topology().publish(of(B, records));

        assertEquals(List.of(), before);
        assertEquals(List.of("a 1", "b 1"), copies());
    }

    @Test
    void shouldSendEachDrivesTaskAtOnceWhenTheyAreIndividual() {
        List<LogRecord> records = cut(Completion.INDIVIDUAL);

        topology().publish(of(A, records));
        List<String> first = copies();
        topology().publish(of(B, records));

        assertEquals(List.of("a 1"), first);
        assertEquals(List.of("b 1"), copies());
    }

    @Test
    void shouldAskForTheCommitWhenAllIsCopiedAndObeyTheDecision() { // I14
        UnitId unit = grouped();

        topology().say(new Outcome.Copied(unit, A, 1, MANIFEST, 1));
        List<Task> early = topology().tasks();
        topology().say(new Outcome.Copied(unit, B, 1, MANIFEST, 1));
        List<Task> tasks = topology().tasks();
        topology().say(new Outcome.Decided(unit, A, new Verdict.Aborted("someone was faster")));

        assertEquals(List.of(), early);
        SortedMap<DriveId, ManifestRef> manifests = new TreeMap<>();
        manifests.put(A, MANIFEST);
        manifests.put(B, MANIFEST);
        assertEquals(new Verdict.Committed(manifests), ((Task.Decide) tasks.getFirst()).proposed());
        assertEquals(
                new UnitState.Decided(unit, new Verdict.Aborted("someone was faster")),
                topology().units().get(unit.toString()));
    }

    @Test
    void shouldSendAgainWhatNothingIsHeardOf() {
        UnitId unit = grouped();
        topology().say(new Outcome.Copied(unit, A, 1, MANIFEST, 1));

        topology().waitFor(TopologyFixture.SILENCE.minusSeconds(20));
        topology().say(new Outcome.Progress(unit, B, 1, 1, 2));
        topology().waitFor(TopologyFixture.SILENCE.minusSeconds(20));
        List<String> whileHeard = copies();
        topology().waitFor(TopologyFixture.SILENCE);

        assertEquals(List.of(), whileHeard);
        assertEquals(List.of("b 1"), copies());
    }

    @Test
    void shouldKeepTheCutForALaterAttempt() {
        grouped();

        topology().waitFor(TopologyFixture.SILENCE);

        assertTrue(topology().tasks().stream()
                .allMatch(task -> ((Task.Copy) task).part().cut().isPresent()));
    }

    @Test
    void shouldNotGiveUpATaskThatWaitsForASink() { // I12: the clock sends again, it doesn't decide
        grouped();

        for (int silence = 0; silence < 2 * CommitProtocol.ATTEMPTS_MAX; silence++) {
            topology().waitFor(TopologyFixture.SILENCE.multipliedBy(64));
        }

        List<Task> sent = topology().tasks();
        assertFalse(sent.isEmpty());
        assertTrue(sent.stream().allMatch(Task.Copy.class::isInstance));
    }

    @Test
    void shouldAskForAnAbortWhenTheAgentsJobFailed() {
        grouped();

        host.conclude("b", new Conclusion.Failed("the fleece file is full"));
        topology().publish(List.of(host.log().getLast()));

        Task.Decide decide =
                assertInstanceOf(Task.Decide.class, topology().tasks().getLast());
        assertTrue(decide.proposed().toString().contains("the fleece file is full"));
    }

    @Test
    void shouldTellTheDecisionToAnAgentThatAsks() {
        UnitId unit = grouped();
        Outcome.Decided decided = new Outcome.Decided(unit, A, new Verdict.Aborted("refused"));
        topology().say(decided);

        topology().say(new Outcome.AbortRequested(unit, B, "what became of it?"));

        assertEquals(
                List.of(new Outcome.Decided(unit, B, decided.verdict())),
                topology().told());
    }

    @Test
    void shouldSendNothingTwiceWhenRecordsComeAgain() {
        List<LogRecord> records = cut(Completion.GROUPED);
        topology().publish(records);
        topology().tasks();

        topology().publish(records);

        assertEquals(List.of(), topology().tasks());
    }

    /** A grouped sync point of both drives, gathered, whose tasks were sent. */
    private UnitId grouped() {
        topology().publish(cut(Completion.GROUPED));
        UnitId unit = topology().tasks().getFirst().unit();
        topology().units();
        return unit;
    }

    private List<LogRecord> cut(Completion completion) {
        int before = host.log().size();
        host.write("a", 0, 1);
        host.write("b", 100_000, 1);
        host.backup(completion, SyncMode.INCREMENTAL, "a", "b");
        return host.log().subList(before, host.log().size());
    }

    private static List<LogRecord> of(DriveId drive, List<LogRecord> records) {
        return records.stream().filter(record -> record.drive().equals(drive)).toList();
    }

    private List<String> copies() {
        return topology().tasks().stream()
                .map(task -> (Task.Copy) task)
                .map(copy -> copy.part().drive() + " " + copy.attempt())
                .toList();
    }
}
