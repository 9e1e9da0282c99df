package io.varve.core.fold;

import io.varve.core.bits.Digest;
import io.varve.core.bits.Extent;
import io.varve.core.bits.Granularity;
import io.varve.core.bits.Marks;
import io.varve.core.drive.Arrival;
import io.varve.core.drive.BackupKey;
import io.varve.core.drive.Completion;
import io.varve.core.drive.Conclusion;
import io.varve.core.drive.DriveState;
import io.varve.core.drive.Generation;
import io.varve.core.drive.ImageIdentity;
import io.varve.core.drive.SyncPointMark.SnapshotExport;
import io.varve.core.event.DriveEvent;
import io.varve.core.event.LogRecord;
import io.varve.core.handover.Incoming;
import io.varve.core.handover.Release;
import io.varve.core.id.DriveId;
import io.varve.core.id.IncarnationId;
import io.varve.core.id.JournalId;
import io.varve.core.id.SyncPointId;
import io.varve.core.transaction.Action;
import io.varve.core.transaction.DrivePlan;
import io.varve.core.transaction.DrivePlan.PlannedImport;
import io.varve.core.transaction.Plan;
import io.varve.core.transaction.Transaction;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.SortedMap;
import java.util.SortedSet;
import java.util.TreeMap;
import java.util.UUID;

/** One drive's writer, in memory: it marks, cuts and logs as an agent does. */
public final class WritingAgent {
    public static final DriveId DRIVE = new DriveId("drive0");

    private final DriveId drive;
    private final List<LogRecord> log = new ArrayList<>();
    private final Map<Long, Marks> marks = new TreeMap<>();
    private IncarnationId incarnation = new IncarnationId(new UUID(1, 1));
    private Optional<DriveState> state = Optional.empty();
    private int syncPoints;

    public WritingAgent(long sizeBytes) {
        this(DRIVE, sizeBytes);
    }

    public WritingAgent(DriveId drive, long sizeBytes) {
        this.drive = drive;
        JournalId journal = new JournalId(new UUID(2, 2));
        append(new DriveEvent.DriveAttached(
                journal, Optional.empty(), 1, Granularity.DEFAULT, sizeBytes, image(), Arrival.FRESH));
        open();
    }

    /** Another agent in the same state, as of a machine that was cloned. */
    private WritingAgent(WritingAgent other) {
        this.drive = other.drive;
        this.log.addAll(other.log);
        other.marks.forEach((generation, known) -> marks.put(generation, known.copyAt(known.granularity())));
        this.incarnation = other.incarnation;
        this.state = other.state;
        this.syncPoints = other.syncPoints + 1000;
    }

    WritingAgent cloned() {
        return new WritingAgent(this);
    }

    /** Lets the drive go, for another agent. */
    void handOver() {
        Marks open = marks(state().open().number());
        Release.events(state(), new Generation.Seal(open.dirtyBytes(), open.digest()), image(), "another agent")
                .forEach(this::append);
        open();
    }

    /** Goes on as the agent that takes the drive over; its bitmaps come later. */
    void takeOver(long incarnationNumber) {
        restart(incarnationNumber, Arrival.INCOMING);
    }

    /** The marks of all generations but {@code missing} have come. */
    void arrive(SortedSet<Long> missing) {
        new Incoming(state(), missing).givenUp("the source died").forEach(this::append);
    }

    public List<LogRecord> log() {
        return log;
    }

    public DriveState state() {
        return state.orElseThrow();
    }

    public void write(long offsetBytes, long lengthBytes) {
        Marks open = marks(state().open().number());
        Marks written = Marks.none(open.granularity(), open.sizeBytes());
        written.mark(offsetBytes, lengthBytes);
        open.union(written);
        for (Extent extent : written.extents()) {
            log.add(new LogRecord(
                    drive,
                    incarnation,
                    0,
                    new DriveEvent.ExtentsDirtied(state().open().number(), 1, List.of(extent), 1, lengthBytes)));
        }
    }

    /** What the marks of an import are, once the drives are sealed. */
    public void imported(PlannedImport planned, Marks content) {
        Marks own = Marks.none(planned.content().granularity(), state().sizeBytes());
        own.union(content);
        marks.put(planned.generation(), own);
    }

    /** Carries the actions out, all or none. */
    public Plan transact(List<Action> actions, Completion completion) {
        SortedMap<DriveId, DriveState> states = new TreeMap<>(Map.of(drive, state()));
        Plan plan = Transaction.plan(states, actions, completion, new SyncPointId("sp-" + ++syncPoints));
        if (plan instanceof Plan.Planned(List<DrivePlan> drives)) {
            drives.forEach(this::carryOut);
        }
        return plan;
    }

    public void conclude(BackupKey key, Conclusion conclusion) {
        append(new DriveEvent.BackupConcluded(key, conclusion));
    }

    /** The process dies and comes back: the marks survive. */
    public void restart(long incarnationNumber) {
        restart(incarnationNumber, Arrival.RECOVERED);
    }

    private void restart(long incarnationNumber, Arrival arrival) {
        IncarnationId before = incarnation;
        incarnation = new IncarnationId(new UUID(1, incarnationNumber));
        append(new DriveEvent.DriveAttached(
                state().journal(),
                Optional.of(before),
                state().open().number(),
                state().open().granularity(),
                state().sizeBytes(),
                image(),
                arrival));
    }

    public Marks union(Iterable<Long> generations, Granularity granularity) {
        Marks union = Marks.none(granularity, state().sizeBytes());
        generations.forEach(number -> union.union(marks(number)));
        return union;
    }

    private Marks marks(long generation) {
        return Objects.requireNonNull(marks.get(generation));
    }

    /** All but finding the marks of imports. */
    public void carryOut(DrivePlan plan) {
        Marks sealed = marks(plan.sealed());
        List<DriveEvent> events = plan.events(
                new Generation.Seal(sealed.dirtyBytes(), sealed.digest()),
                cut -> {
                    Marks union = union(cut.generations(), cut.granularity());
                    return new Generation.Seal(union.dirtyBytes(), Digest.of(union.bits()));
                },
                key -> new SnapshotExport("unix:/run/varve.sock", drive + "@" + key.syncPoint()),
                planned -> {
                    Marks content = marks(planned.generation());
                    return new Generation.Seal(content.dirtyBytes(), content.digest());
                });
        for (DriveEvent event : events) {
            if (event instanceof DriveEvent.MarksImported imported) {
                log.add(new LogRecord(
                        drive,
                        incarnation,
                        0,
                        new DriveEvent.ExtentsDirtied(
                                imported.generation(),
                                1,
                                marks(imported.generation()).extents(),
                                0,
                                0)));
            }
            append(event);
        }
        open();
    }

    private void open() {
        Generation open = state().open();
        marks.put(open.number(), Marks.none(open.granularity(), open.sizeBytes()));
    }

    private void append(DriveEvent event) {
        long control = state.map(DriveState::control).orElse(0L) + 1;
        LogRecord record = new LogRecord(drive, incarnation, control, event);
        log.add(record);
        state = Fold.apply(state, record).state();
    }

    private static ImageIdentity image() {
        return new ImageIdentity("disk.raw", "1", 0, "");
    }
}
