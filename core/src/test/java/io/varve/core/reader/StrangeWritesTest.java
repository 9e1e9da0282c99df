package io.varve.core.reader;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.varve.core.bits.Digest;
import io.varve.core.bits.HierarchicalBitSet;
import io.varve.core.drive.Anchor;
import io.varve.core.drive.BackupKey;
import io.varve.core.drive.BackupTarget;
import io.varve.core.drive.Bitmap;
import io.varve.core.drive.BitmapMode;
import io.varve.core.drive.Completion;
import io.varve.core.drive.Conclusion;
import io.varve.core.drive.DriveState;
import io.varve.core.drive.Recording;
import io.varve.core.drive.Trust;
import io.varve.core.event.DriveEvent;
import io.varve.core.event.LogRecord;
import io.varve.core.fold.Fold;
import io.varve.core.fold.WritingAgent;
import io.varve.core.id.BitmapName;
import io.varve.core.id.DriveId;
import io.varve.core.id.IncarnationId;
import io.varve.core.transaction.Action;
import io.varve.core.transaction.SyncMode;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import java.util.UUID;
import org.junit.jupiter.api.Test;

/**
 * A second agent writes; a full backup of one bitmap makes the drive sound again; then the drive's own agent, which
 * knows nothing of that, compacts its journal.
 */
class StrangeWritesTest {
    private static final String NODE = WritingAgent.DRIVE.value();

    private final WritingAgent agent = new WritingAgent(1 << 20);
    private final Map<String, Long> positions = new TreeMap<>();
    private final StrangeWrites strangeWrites = new StrangeWrites(new Positions());
    private Optional<DriveState> known = Optional.empty();
    private int read;

    private final class Positions implements ReaderStores.Positions {
        @Override
        public Optional<Long> get(String name) {
            return Optional.ofNullable(positions.get(name));
        }

        @Override
        public void put(String name, long position) {
            positions.put(name, position);
        }

        @Override
        public void remove(String name) {
            positions.remove(name);
        }

        @Override
        public List<String> names(DriveId drive) {
            return List.copyOf(positions.keySet());
        }
    }

    private void strangerWrites() {
        DriveState before = known.orElseThrow();
        LogRecord strange = new LogRecord(
                WritingAgent.DRIVE,
                new IncarnationId(new UUID(9, 9)),
                before.control() + 1,
                new DriveEvent.BitmapCleared(new BitmapName("a")));
        known = Fold.apply(known, strange).state();
        strangeWrites.suspected(known.orElseThrow(), read);
    }

    private void seeAStrangerAndAFullBackupOfB() {
        commit(add("a"), full("a"));
        commit(add("b"), full("b"));
        strangerWrites();
        commit(full("b"));
        assertInstanceOf(Trust.Sound.class, known.orElseThrow().trust());
    }

    @Test
    void shouldNotTrustABackupThatTheLogToldOfBeforeTheStranger() { // I1, I8
        commit(add("a"));
        agent.transact(List.of(add("b")), Completion.INDIVIDUAL);
        int lost = read;
        agent.transact(List.of(full("a")), Completion.INDIVIDUAL);
        agent.log().subList(lost + 1, agent.log().size()).forEach(this::on);
        strangerWrites();

        readOn();
        conclude();

        assertTrue(anchor("a").isEmpty());
        checkpoint();
        assertTrue(anchor("a").isEmpty());
        commit(full("a"));
        assertTrue(anchor("a").isPresent());
    }

    @Test
    void shouldKeepAnAnchorVoidThatACheckpointHas() { // I1, I8
        seeAStrangerAndAFullBackupOfB();

        checkpoint();

        assertTrue(anchor("a").isEmpty());
        assertTrue(anchor("b").isPresent());
    }

    @Test
    void shouldTakeTheAnchorOfABackupThatBeganAfterwards() { // I8
        seeAStrangerAndAFullBackupOfB();
        commit(full("a"));
        Optional<Anchor> anchored = anchor("a");

        checkpoint();

        assertTrue(anchored.isPresent());
        assertEquals(anchored, anchor("a"));
    }

    @Test
    void shouldForgetABitmapThatWasRemoved() { // I10
        seeAStrangerAndAFullBackupOfB();

        agent.transact(List.of(new Action.RemoveBitmap(NODE, "a")), Completion.INDIVIDUAL);
        readOn();

        assertEquals(Map.of(), positions);
    }

    private Optional<Anchor> anchor(String bitmap) {
        return known.orElseThrow().bitmap(new BitmapName(bitmap)).flatMap(Bitmap::anchor);
    }

    private void checkpoint() {
        DriveState whole = agent.state().withControl(agent.state().control() + 1);
        on(new LogRecord(
                WritingAgent.DRIVE, whole.line().getLast(), whole.control(), new DriveEvent.Checkpoint(whole)));
    }

    private void commit(Action... actions) {
        agent.transact(List.of(actions), Completion.INDIVIDUAL);
        if (!agent.state().undecided().isEmpty()) {
            conclude();
        }
        readOn();
    }

    private void conclude() {
        BackupKey key = agent.state().undecided().firstKey();
        agent.conclude(
                key,
                new Conclusion.Committed(new Anchor(
                        key.syncPoint(), key.syncPoint(), 0, "manifest", Digest.of(HierarchicalBitSet.ofHeap(1)))));
        readOn();
    }

    private void readOn() {
        agent.log().subList(read, agent.log().size()).forEach(this::on);
        read = agent.log().size();
    }

    private void on(LogRecord record) {
        Optional<DriveState> folded = Fold.apply(known, record).state();
        known = known.isEmpty()
                ? folded
                : folded.map(after -> strangeWrites.settled(known.orElseThrow(), record, after));
    }

    private static Action add(String name) {
        return new Action.AddBitmap(NODE, name, Optional.empty(), true, Recording.ENABLED);
    }

    private static Action full(String bitmap) {
        return new Action.Backup(
                NODE, SyncMode.FULL, Optional.of(bitmap), Optional.of(BitmapMode.ON_SUCCESS), BackupTarget.ARCHIVE);
    }
}
