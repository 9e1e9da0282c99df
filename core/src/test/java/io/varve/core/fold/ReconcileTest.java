package io.varve.core.fold;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.varve.core.bits.Digest;
import io.varve.core.bits.Extent;
import io.varve.core.bits.Granularity;
import io.varve.core.bits.HierarchicalBitSet;
import io.varve.core.bits.Marks;
import io.varve.core.drive.Anchor;
import io.varve.core.drive.BackupKey;
import io.varve.core.drive.BackupTarget;
import io.varve.core.drive.Bitmap;
import io.varve.core.drive.BitmapMode;
import io.varve.core.drive.BitmapStatus;
import io.varve.core.drive.Completion;
import io.varve.core.drive.Conclusion;
import io.varve.core.drive.Doubt;
import io.varve.core.drive.Recording;
import io.varve.core.drive.Trust;
import io.varve.core.event.DriveEvent;
import io.varve.core.event.LogRecord;
import io.varve.core.id.BitmapName;
import io.varve.core.id.IncarnationId;
import io.varve.core.id.SyncPointId;
import io.varve.core.transaction.Action;
import io.varve.core.transaction.DrivePlan;
import io.varve.core.transaction.NodeRules;
import io.varve.core.transaction.Plan;
import io.varve.core.transaction.Reconciling;
import io.varve.core.transaction.SyncMode;
import java.util.List;
import java.util.Optional;
import java.util.UUID;
import org.junit.jupiter.api.Test;

/** What a reconcile makes of a drive's log. */
class ReconcileTest {
    private static final String NODE = WritingAgent.DRIVE.value();
    private static final BitmapName BITMAP = new BitmapName("a");
    private static final BackupKey POINT = new BackupKey(new SyncPointId("point"), 0);
    private static final int GRANULE = 65_536;

    private final WritingAgent agent = new WritingAgent(1 << 20);
    private final ReadingFold reader = new ReadingFold();
    private int read;

    @Test
    void shouldHoldWhatDiffersAndWhatWasWrittenSinceAndNothingElse() { // I1
        Anchor anchor = inconsistent();
        agent.write(7 * GRANULE, 1);

        begin("a");
        agent.write(3 * GRANULE, 1);
        finish(Optional.of(anchor), 1);
        agent.write(5 * GRANULE, 1);

        Bitmap bitmap = bitmap();
        assertEquals(new BitmapStatus.Idle(Recording.ENABLED), bitmap.status());
        assertEquals(Optional.of(anchor), bitmap.anchor());
        assertEquals(List.of(granule(1), granule(3), granule(5)), content());
        assertInstanceOf(Trust.Sound.class, agent.state().trust());
        assertEquals(List.of(BITMAP), List.copyOf(agent.state().bitmaps().keySet()));
        assertTrue(agent.state().undecided().isEmpty());
        mustAgree();
    }

    @Test
    void shouldAllowTheNextIncrement() { // I4: its digest is the proof
        Anchor anchor = inconsistent();
        begin("a");
        finish(Optional.of(anchor), 1, 4);

        Plan plan = agent.transact(List.of(increment()), Completion.INDIVIDUAL);

        assertInstanceOf(Plan.Planned.class, plan);
        mustAgree();
        assertEquals(
                2L * GRANULE, reader.offered().getLast().cut().orElseThrow().dirtyBytes());
    }

    @Test
    void shouldLeaveTheBitmapAsItWasWhenItDies() { // I3
        inconsistent();
        Bitmap before = bitmap();
        begin("a");
        agent.write(3 * GRANULE, 1);
        agent.restart(2);

        agent.conclude(POINT, new Conclusion.Failed("the agent was restarted"));

        assertEquals(before, bitmap());
        assertEquals(List.of(BITMAP), List.copyOf(agent.state().bitmaps().keySet()));
        assertInstanceOf(Plan.Refused.class, Reconciling.finish(agent.state(), POINT, BITMAP, Optional.empty()));
        mustAgree();
    }

    @Test
    void shouldGiveNoAnchorWhenAStrangerWroteMeanwhile() { // I8
        Anchor anchor = inconsistent();
        begin("a");
        readOn();
        strangerWrites();

        finish(Optional.of(anchor), 1);
        readOn();

        Bitmap told = reader.state().bitmap(BITMAP).orElseThrow();
        assertEquals(Optional.empty(), told.anchor());
        assertEquals(bitmap().generations(), told.generations());
        assertInstanceOf(Trust.Suspect.class, reader.state().trust());
    }

    @Test
    void shouldEndASuspicionThatIsOlder() { // I8: it read all that a stranger may have written
        Anchor anchor = anchored();
        readOn();
        strangerWrites();
        assertInstanceOf(Trust.Suspect.class, reader.state().trust());

        begin("a");
        finish(Optional.of(anchor), 1);

        mustAgreeBut(1);
        assertEquals(new Trust.Sound(), reader.state().trust());
        assertEquals(
                Optional.of(anchor), reader.state().bitmap(BITMAP).orElseThrow().anchor());
    }

    @Test
    void shouldNotAnchorToABackupThatIsFoundToBeCommittedLater() { // I1
        Anchor anchor = anchored();
        agent.transact(List.of(full()), Completion.INDIVIDUAL);
        BackupKey late = agent.state().undecided().firstKey();
        agent.conclude(late, new Conclusion.Cancelled());
        begin("a");
        finish(Optional.of(anchor), 1);

        agent.conclude(late, new Conclusion.Committed(anchor(late.syncPoint())));

        assertEquals(Optional.of(anchor), bitmap().anchor());
    }

    @Test
    void shouldMakeABitmapThatIsntThere() { // the agent's state was lost, not the archive
        begin("a");
        finish(Optional.of(anchor(new SyncPointId("sp"))), 2);

        assertTrue(bitmap().persistent());
        assertEquals(List.of(granule(2)), content());
        mustAgree();
    }

    @Test
    void shouldAnchorNothingThatWasComparedWithAnImage() {
        inconsistent();
        begin("a");
        finish(Optional.empty(), 2);

        assertEquals(Optional.empty(), bitmap().anchor());
        assertInstanceOf(BitmapStatus.Idle.class, bitmap().status());
        assertEquals(List.of(granule(2)), content());
    }

    @Test
    void shouldRefuseABitmapThatIsBackedUpAndASecondOne() {
        agent.transact(List.of(add(), full()), Completion.INDIVIDUAL);
        String busy = refused();
        agent.conclude(agent.state().undecided().firstKey(), new Conclusion.Cancelled());
        begin("a");
        String second = refused();

        assertTrue(busy.contains("currently in use"), busy);
        assertTrue(second.contains("being reconciled already"), second);
    }

    private String refused() {
        Plan plan = Reconciling.begin(agent.state(), "a", new SyncPointId("other"), NodeRules.PLAIN);
        return assertInstanceOf(Plan.Refused.class, plan).description();
    }

    /** Makes the bitmap, anchored once, and then not to be trusted. */
    private Anchor inconsistent() {
        Anchor anchor = anchored();
        agent.carryOut(new DrivePlan(
                WritingAgent.DRIVE,
                agent.state().open().number(),
                Granularity.DEFAULT,
                List.of(new DrivePlan.Change.Event(new DriveEvent.BitmapMarkedInconsistent(
                        BITMAP, Doubt.imageChanged("the image was changed"))))));
        return anchor;
    }

    private Anchor anchored() {
        agent.transact(List.of(add(), full()), Completion.INDIVIDUAL);
        BackupKey key = agent.state().undecided().firstKey();
        Anchor anchor = anchor(key.syncPoint());
        agent.conclude(key, new Conclusion.Committed(anchor));
        return anchor;
    }

    private void begin(String bitmap) {
        carryOut(Reconciling.begin(agent.state(), bitmap, POINT.syncPoint(), NodeRules.PLAIN));
    }

    private void finish(Optional<Anchor> anchor, long... differing) {
        Plan plan = Reconciling.finish(agent.state(), POINT, BITMAP, anchor);
        Marks marks = Marks.none(Granularity.DEFAULT, agent.state().sizeBytes());
        for (long granule : differing) {
            marks.mark(granule * GRANULE, GRANULE);
        }
        agent.imported(assertInstanceOf(Plan.Planned.class, plan).imports().getFirst(), marks);
        carryOut(plan);
    }

    private void carryOut(Plan plan) {
        assertInstanceOf(Plan.Planned.class, plan).drives().forEach(agent::carryOut);
    }

    private Bitmap bitmap() {
        return agent.state().bitmap(BITMAP).orElseThrow();
    }

    private List<Extent> content() {
        return agent.union(bitmap().generations(), bitmap().granularity()).extents().stream()
                .toList();
    }

    private static Extent granule(long index) {
        return new Extent(index * GRANULE, GRANULE);
    }

    private void mustAgree() {
        mustAgreeBut(0);
    }

    private void mustAgreeBut(int complaints) {
        readOn();
        assertEquals(agent.state(), reader.state());
        assertEquals(complaints, reader.complaints().size());
    }

    private void strangerWrites() {
        reader.read(new LogRecord(
                WritingAgent.DRIVE,
                new IncarnationId(new UUID(9, 9)),
                0,
                new DriveEvent.ExtentsDirtied(1, 1, List.of(new Extent(0, GRANULE)), 1, GRANULE)));
    }

    private void readOn() {
        agent.log().subList(read, agent.log().size()).forEach(reader::read);
        read = agent.log().size();
    }

    private static Anchor anchor(SyncPointId syncPoint) {
        return new Anchor(syncPoint, syncPoint, 0, "manifest", Digest.of(HierarchicalBitSet.ofHeap(1)));
    }

    private static Action add() {
        return new Action.AddBitmap(NODE, "a", Optional.empty(), true, Recording.ENABLED);
    }

    private static Action full() {
        return new Action.Backup(
                NODE, SyncMode.FULL, Optional.of("a"), Optional.of(BitmapMode.ON_SUCCESS), BackupTarget.ARCHIVE);
    }

    private static Action increment() {
        return new Action.Backup(NODE, SyncMode.INCREMENTAL, Optional.of("a"), Optional.empty(), BackupTarget.ARCHIVE);
    }
}
