package io.varve.core.fold;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;

import io.varve.core.bits.Granularity;
import io.varve.core.bits.Marks;
import io.varve.core.drive.Arrival;
import io.varve.core.drive.BackupTarget;
import io.varve.core.drive.Completion;
import io.varve.core.drive.DriveState;
import io.varve.core.drive.ImageIdentity;
import io.varve.core.drive.Recording;
import io.varve.core.event.DriveEvent;
import io.varve.core.event.LogRecord;
import io.varve.core.id.IncarnationId;
import io.varve.core.transaction.Action;
import io.varve.core.transaction.Plan;
import io.varve.core.transaction.SyncMode;
import io.varve.core.transaction.Transaction;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.UUID;
import org.junit.jupiter.api.Test;

class RepeatTest {
    private static final String NODE = WritingAgent.DRIVE.value();

    private final WritingAgent agent = new WritingAgent(1 << 20);

    @Test
    void shouldNotOfferTheBackupOfAFileWhenItsMarkerIsRepeated() { // reliability 6.20
        agent.transact(List.of(add("a")), Completion.INDIVIDUAL);
        agent.transact(List.of(backup(BackupTarget.FILE)), Completion.INDIVIDUAL);

        Step step = Fold.apply(Optional.of(agent.state()), agent.log().getLast());

        assertEquals(List.of(), step.effects());
    }

    @Test
    void shouldOfferThePartOfAnArchiveBackupAgain() { // reliability 6.20
        agent.transact(List.of(add("a"), backup(BackupTarget.ARCHIVE)), Completion.INDIVIDUAL);

        Step step = Fold.apply(Optional.of(agent.state()), agent.log().getLast());

        assertInstanceOf(Effect.OfferPart.class, step.effects().getFirst());
    }

    @Test
    void shouldStartTheOpenMarksAnewWhenTheHostDied() { // reliability 6.20: a reader may know more than the agent
        DriveState before = agent.state();
        LogRecord coarse = attach(before, Arrival.COARSE);

        Step step = Fold.apply(Optional.of(before), coarse);
        Step repeated = Fold.apply(step.state(), coarse);

        assertEquals(List.of(new Effect.Drop(before.open().number())), step.effects());
        assertEquals(step, repeated);
        assertEquals(
                List.of(),
                Fold.apply(Optional.of(before), attach(before, Arrival.RECOVERED))
                        .effects());
    }

    private static LogRecord attach(DriveState before, Arrival arrival) {
        return new LogRecord(
                WritingAgent.DRIVE,
                new IncarnationId(new UUID(77, 78)),
                before.control() + 1,
                new DriveEvent.DriveAttached(
                        before.journal(),
                        Optional.of(before.line().getLast()),
                        before.open().number(),
                        before.open().granularity(),
                        before.sizeBytes(),
                        new ImageIdentity("image", "key", 0, "sample"),
                        arrival));
    }

    @Test
    void shouldMergeAndVerifyAgainWhenACoalescingIsRepeated() { // reliability 6.20
        DriveState before = threeGenerations();
        LogRecord coalesced = coalescing(before, 2, 3);
        DriveState after = Fold.apply(Optional.of(before), coalesced).state().orElseThrow();

        Step repeated = Fold.apply(Optional.of(after), coalesced);

        assertEquals(after, repeated.state().orElseThrow());
        assertInstanceOf(Effect.Coalesce.class, repeated.effects().get(0));
        assertInstanceOf(Effect.VerifySeal.class, repeated.effects().get(1));
    }

    @Test
    void shouldNeverMergeTheOpenGeneration() { // I3
        DriveState before = threeGenerations();
        long open = before.open().number();

        DriveState into = Fold.apply(Optional.of(before), coalescing(before, open - 1, open))
                .state()
                .orElseThrow();
        DriveState away = Fold.apply(Optional.of(before), coalescing(before, open, open - 1))
                .state()
                .orElseThrow();

        assertEquals(before.generations(), into.generations());
        assertEquals(before.generations(), away.generations());
    }

    @Test
    void shouldDropWhatACheckpointSkipped() { // reliability 6.21
        DriveState known = threeGenerations();
        agent.transact(List.of(new Action.ClearBitmap(NODE, "a")), Completion.INDIVIDUAL);
        agent.transact(List.of(add("b")), Completion.INDIVIDUAL);
        DriveState whole = agent.state();
        LogRecord checkpoint = new LogRecord(
                WritingAgent.DRIVE,
                whole.line().getLast(),
                whole.control() + 1,
                new DriveEvent.Checkpoint(whole.withControl(whole.control() + 1)));

        Step step = Fold.apply(Optional.of(known), checkpoint);

        assertEquals(whole.withControl(whole.control() + 1), step.state().orElseThrow());
        assertEquals(
                known.generations().keySet().stream()
                        .filter(number -> !whole.generations().containsKey(number))
                        .map(number -> (Effect) new Effect.Drop(number))
                        .toList(),
                step.effects());
    }

    @Test
    void shouldRefuseASyncPointThatExists() { // I3: the first one's bitmap would stay busy for ever
        agent.transact(List.of(add("a"), backup(BackupTarget.FILE)), Completion.INDIVIDUAL);

        Plan plan = Transaction.plan(
                new TreeMap<>(Map.of(WritingAgent.DRIVE, agent.state())),
                List.of(backup(BackupTarget.FILE)),
                Completion.INDIVIDUAL,
                agent.state().undecided().firstKey().syncPoint());

        assertInstanceOf(Plan.Refused.class, plan);
    }

    private DriveState threeGenerations() {
        agent.transact(List.of(add("a")), Completion.INDIVIDUAL);
        agent.write(0, 1);
        agent.transact(List.of(add("x")), Completion.INDIVIDUAL);
        agent.write(70_000, 1);
        agent.transact(List.of(new Action.RemoveBitmap(NODE, "x")), Completion.INDIVIDUAL);
        return agent.state();
    }

    private static LogRecord coalescing(DriveState state, long merged, long into) {
        Marks none = Marks.none(Granularity.DEFAULT, state.sizeBytes());
        return new LogRecord(
                WritingAgent.DRIVE,
                state.line().getLast(),
                state.control() + 1,
                new DriveEvent.GenerationsCoalesced(new TreeSet<>(List.of(merged)), into, 0, none.digest()));
    }

    private static Action add(String name) {
        return new Action.AddBitmap(NODE, name, Optional.empty(), true, Recording.ENABLED);
    }

    private static Action backup(BackupTarget target) {
        return new Action.Backup(NODE, SyncMode.FULL, Optional.empty(), Optional.empty(), target);
    }
}
