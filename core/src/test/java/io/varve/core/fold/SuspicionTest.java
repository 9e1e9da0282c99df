package io.varve.core.fold;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.varve.core.bits.Digest;
import io.varve.core.bits.Extent;
import io.varve.core.bits.HierarchicalBitSet;
import io.varve.core.drive.Anchor;
import io.varve.core.drive.Arrival;
import io.varve.core.drive.BackupKey;
import io.varve.core.drive.BackupTarget;
import io.varve.core.drive.BitmapMode;
import io.varve.core.drive.Completion;
import io.varve.core.drive.Conclusion;
import io.varve.core.drive.DriveState;
import io.varve.core.drive.ImageIdentity;
import io.varve.core.drive.Recording;
import io.varve.core.drive.Trust;
import io.varve.core.event.DriveEvent;
import io.varve.core.event.LogRecord;
import io.varve.core.id.BitmapName;
import io.varve.core.id.IncarnationId;
import io.varve.core.id.SyncPointId;
import io.varve.core.transaction.Action;
import io.varve.core.transaction.SyncMode;
import java.util.List;
import java.util.Optional;
import java.util.UUID;
import org.junit.jupiter.api.Test;

class SuspicionTest {
    private static final String NODE = WritingAgent.DRIVE.value();
    private static final IncarnationId STRANGER = new IncarnationId(new UUID(9, 9));

    private final WritingAgent agent = new WritingAgent(1 << 20);
    private final ReadingFold reader = new ReadingFold();
    private int read;

    @Test
    void shouldRefuseTheSyncPointOfAnAgentThatIsNotInTheLine() { // I8: its unit would wait for ever
        agent.transact(List.of(add("a"), full("a")), Completion.INDIVIDUAL);
        readOn();
        LogRecord mark = agent.log().getLast();

        reader.read(new LogRecord(WritingAgent.DRIVE, STRANGER, mark.control(), mark.event()));

        Effect.RefusePart refused =
                assertInstanceOf(Effect.RefusePart.class, reader.complaints().getLast());
        assertEquals(((DriveEvent.SyncPointMarked) mark.event()).mark(), refused.mark());
        assertTrue(refused.reason().contains("only one agent"), refused::reason);
    }

    @Test
    void shouldNotTrustABitmapAfterTheFullBackupOfAnotherOne() { // I1, I8
        commit(add("a"), full("a"));
        commit(add("b"), full("b"));
        strangerWrites();
        commit(full("b"));
        assertInstanceOf(Trust.Sound.class, reader.state().trust());
        int complaints = reader.complaints().size();

        commit(increment("b"));
        assertEquals(complaints, reader.complaints().size());

        commit(increment("a"));
        assertInstanceOf(Effect.RefusePart.class, reader.complaints().getLast());
    }

    @Test
    void shouldNotTrustAFullBackupWhoseCutIsOlderThanTheSuspicion() { // I1, I8
        agent.transact(List.of(add("a"), full("a")), Completion.INDIVIDUAL);
        readOn();
        strangerWrites();
        conclude();

        commit(increment("a"));

        assertInstanceOf(Effect.RefusePart.class, reader.complaints().getLast());
    }

    @Test
    void shouldNotTrustACheckpointThatKnowsNoStranger() { // I1, I8
        commit(add("a"), full("a"));
        strangerWrites();
        long control = agent.state().control();
        DriveState whole = agent.state().withControl(control + 1);

        reader.read(new LogRecord(
                WritingAgent.DRIVE, agent.state().line().getLast(), control + 1, new DriveEvent.Checkpoint(whole)));

        assertInstanceOf(Trust.Suspect.class, reader.state().trust());
        reader.state().bitmaps().values().forEach(bitmap -> assertEquals(Optional.empty(), bitmap.anchor()));
    }

    @Test
    void shouldGoOnFromTheCheckpointOfAnHeirWhoseAttachWasLost() { // reliability 6.21
        commit(add("a"), full("a"));
        agent.restart(2);
        agent.write(0, 1);
        agent.transact(List.of(increment("a")), Completion.INDIVIDUAL);
        DriveState whole = agent.state().withControl(agent.state().control() + 1);

        reader.read(new LogRecord(
                WritingAgent.DRIVE, whole.line().getLast(), whole.control(), new DriveEvent.Checkpoint(whole)));

        assertEquals(whole, reader.state());
        assertEquals(List.of(), reader.complaints());
    }

    @Test
    void shouldAskForAnAttachThatTheLogLost() { // I8: else the drive's own agent would be a stranger for ever
        commit(add("a"), full("a"));
        agent.restart(2);
        LogRecord attached = agent.log().get(read);
        agent.transact(List.of(increment("a")), Completion.INDIVIDUAL);
        LogRecord next = agent.log().get(read + 1);

        reader.read(next);

        assertTrue(reader.complaints().contains(new Effect.RequestControl(attached.control())));
        agent.log().subList(read, agent.log().size()).forEach(reader::read);
        assertEquals(agent.state().line(), reader.state().line());
        assertEquals(agent.state().control(), reader.state().control());
    }

    @Test
    void shouldSuspectAnAgentThatGoesOnAfterAnotherInheritedItsJournal() { // I8
        commit(add("a"), full("a"));
        IncarnationId superseded = agent.state().line().getLast();
        agent.restart(2);
        readOn();
        DriveState before = reader.state();

        reader.read(new LogRecord(
                WritingAgent.DRIVE,
                superseded,
                before.control() + 1,
                new DriveEvent.BitmapCleared(new BitmapName("a"))));

        assertInstanceOf(Trust.Suspect.class, reader.state().trust());
        assertEquals(before.control(), reader.state().control());
    }

    @Test
    void shouldSuspectAnHeirOfAnOlderCopyOfTheJournal() { // I8: its number is taken, so that isn't a gap
        commit(add("a"), full("a"));
        DriveState known = reader.state();

        reader.read(new LogRecord(
                WritingAgent.DRIVE,
                STRANGER,
                known.control(),
                new DriveEvent.DriveAttached(
                        known.journal(),
                        Optional.of(known.line().getLast()),
                        known.open().number(),
                        known.open().granularity(),
                        known.sizeBytes(),
                        new ImageIdentity("disk", "1", 0, ""),
                        Arrival.INCONSISTENT)));

        assertInstanceOf(Trust.Suspect.class, reader.state().trust());
        assertEquals(known.line(), reader.state().line());
    }

    private void commit(Action... actions) {
        agent.transact(List.of(actions), Completion.INDIVIDUAL);
        conclude();
    }

    private void conclude() {
        BackupKey key = agent.state().undecided().firstKey();
        SyncPointId syncPoint = key.syncPoint();
        agent.conclude(
                key,
                new Conclusion.Committed(
                        new Anchor(syncPoint, syncPoint, 0, "manifest", Digest.of(HierarchicalBitSet.ofHeap(1)))));
        readOn();
    }

    private void readOn() {
        agent.log().subList(read, agent.log().size()).forEach(reader::read);
        read = agent.log().size();
    }

    private void strangerWrites() {
        reader.read(new LogRecord(
                WritingAgent.DRIVE,
                STRANGER,
                0,
                new DriveEvent.ExtentsDirtied(
                        agent.state().open().number(), 1, List.of(new Extent(0, 65536)), 1, 65536)));
    }

    private static Action add(String name) {
        return new Action.AddBitmap(NODE, name, Optional.empty(), true, Recording.ENABLED);
    }

    private static Action full(String bitmap) {
        return new Action.Backup(
                NODE, SyncMode.FULL, Optional.of(bitmap), Optional.of(BitmapMode.ON_SUCCESS), BackupTarget.ARCHIVE);
    }

    private static Action increment(String bitmap) {
        return new Action.Backup(
                NODE, SyncMode.INCREMENTAL, Optional.of(bitmap), Optional.empty(), BackupTarget.ARCHIVE);
    }
}
