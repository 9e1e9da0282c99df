package io.varve.simulator;

import io.varve.core.bits.Granularity;
import io.varve.core.bits.Marks;
import io.varve.core.cut.InFlightTable;
import io.varve.core.drive.Arrival;
import io.varve.core.drive.BackupKey;
import io.varve.core.drive.BackupTarget;
import io.varve.core.drive.Bitmap;
import io.varve.core.drive.Conclusion;
import io.varve.core.drive.DriveState;
import io.varve.core.drive.EqualGenerations;
import io.varve.core.drive.Generation;
import io.varve.core.drive.UndecidedBackup;
import io.varve.core.event.DriveEvent;
import io.varve.core.event.LogRecord;
import io.varve.core.feed.Feed;
import io.varve.core.feed.FeedSource;
import io.varve.core.fold.Effect;
import io.varve.core.fold.Fold;
import io.varve.core.fold.Step;
import io.varve.core.handover.Incoming;
import io.varve.core.handover.Release;
import io.varve.core.id.DriveId;
import io.varve.core.id.IncarnationId;
import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.SortedSet;
import java.util.TreeMap;
import java.util.TreeSet;

/** One drive of an agent: its log, its marks, its writes, its backups, as the agent's own AttachedDrive. */
final class AgentDrive implements FeedSource<IllegalStateException> {
    /** So few that both happen all the time. */
    static final int GENERATIONS_MAX = 2;

    private static final int JOURNAL_RECORDS_MAX = 8;

    private final Agent agent;
    private final DriveId id;
    private final Image image;
    private final DriveFiles files;
    private final IncarnationId incarnation;
    private final Feed<IllegalStateException> feed = new Feed<>(this);
    private final GuestIo io;
    private final Publisher publisher;
    private final Map<BackupKey, PointInTime> running = new TreeMap<>();
    private final List<PointInTime> snapshots = new ArrayList<>();
    private DriveState state;
    private LiveSet open;
    private final InFlightTable table;
    private final RegionLog log;

    AgentDrive(Agent agent, DriveId id, Image image, DriveFiles files) {
        this.agent = agent;
        this.id = id;
        this.image = image;
        this.files = files;
        this.incarnation = new IncarnationId(agent.world().schedule().id());
        if (agent.isStranger()) {
            agent.world().invariants().strangers().add(incarnation);
        }
        this.publisher = new Publisher(this);
        Attaching attaching = new Attaching(this);
        Attaching.Attached attached = attaching.attach();
        this.state = attached.state();
        this.open = attached.open();
        this.table = files.newInFlight(agent.boot());
        this.log = new RegionLog(this);
        this.io = new GuestIo(this, attached.lost());
        attached.events().forEach(event -> append(List.of(event)));
        files.live().clear();
        files.live().put(open.generation(), open);
        agent.world().schedule().note(() -> id + ": attached, " + attached.arrival() + ", " + incarnation);
        if (isIncoming() && incoming().missing().isEmpty()) {
            append(incoming().completed());
        }
        if (attached.arrival() != Arrival.CLEAN) {
            feed.resendAll();
        }
        publisher.wake();
    }

    Agent agent() {
        return agent;
    }

    DriveId id() {
        return id;
    }

    Image image() {
        return image;
    }

    DriveFiles files() {
        return files;
    }

    GuestIo io() {
        return io;
    }

    Publisher publisher() {
        return publisher;
    }

    Feed<IllegalStateException> feed() {
        return feed;
    }

    InFlightTable table() {
        return table;
    }

    RegionLog log() {
        return log;
    }

    LiveSet open() {
        return open;
    }

    Map<BackupKey, PointInTime> running() {
        return running;
    }

    List<PointInTime> snapshots() {
        return List.copyOf(snapshots);
    }

    /** Swaps the next set in; what is in flight is in both. */
    void cut(LiveSet next, List<PointInTime> installed) {
        agent.world().rules().seed(table, next.marks());
        io.lost().markInto(next.marks());
        open = next;
        snapshots.addAll(installed);
    }

    /** Opens the set before again, with what was marked since (I3). */
    void uncut(LiveSet before) {
        before.marks().union(open.marks());
        files.live().remove(open.generation());
        open = before;
    }

    /** Appends to the journal and folds; durable when it returns. */
    List<Effect> append(List<DriveEvent> events) {
        List<Effect> effects = new ArrayList<>();
        for (DriveEvent event : events) {
            LogRecord record = new LogRecord(id, incarnation, state.control() + 1, event);
            DriveState before = state;
            Step step = Fold.apply(Optional.of(before), record);
            DriveState folded =
                    agent.world().rules().folded(before, record, step.state().orElseThrow());
            if (folded.control() != record.control()) {
                throw new IllegalStateException("drive " + id + " can't fold its own record " + record);
            }
            files.journal().add(record);
            agent.world().invariants().recorded(this, before, record, folded);
            state = folded;
            effects.addAll(step.effects());
            agent.world().schedule().note(() -> id + ": records " + record.control() + " " + event);
        }
        for (Effect effect : effects) {
            if (effect instanceof Effect.Drop(long generation)
                    && !state.generations().containsKey(generation)) {
                files.kept().remove(generation);
                feed.forget(generation);
            }
        }
        publisher.wake();
        return effects;
    }

    /** Merges and compacts what has become too much, as the agent's own AttachedDrive. */
    void tidy() {
        if (isIncoming()) {
            return;
        }
        if (files.journal().size() > JOURNAL_RECORDS_MAX
                && files.acknowledged() == state.control()
                && state.undecided().values().stream().noneMatch(AgentDrive::isArchiving)) {
            compact();
        }
        if (state.generations().size() - 1 > GENERATIONS_MAX) {
            EqualGenerations.of(state).stream()
                    .filter(group -> Feed.isWanted(state, group.last()))
                    .forEach(this::coalesce);
        }
        agent.world().invariants().tidied(this);
    }

    private static boolean isArchiving(UndecidedBackup backup) {
        return backup.phase() == UndecidedBackup.Phase.RUNNING && backup.mark().target() == BackupTarget.ARCHIVE;
    }

    private void compact() {
        DriveState whole = state.withControl(state.control() + 1);
        files.journal().clear();
        files.journal().add(new LogRecord(id, incarnation, whole.control(), new DriveEvent.Checkpoint(whole)));
        state = whole;
        agent.world().schedule().note(() -> id + ": compacts its journal up to " + whole.control());
        publisher.wake();
    }

    private void coalesce(SortedSet<Long> group) {
        long into = group.last();
        SortedSet<Long> merged = new TreeSet<>(group.headSet(into));
        Marks first = marks(into).orElseThrow();
        Marks union = first.copyAt(first.granularity());
        merged.forEach(generation -> union.union(marks(generation).orElseThrow()));
        files.kept().put(into, union);
        append(List.of(new DriveEvent.GenerationsCoalesced(merged, into, union.dirtyBytes(), union.digest())));
        merged.forEach(files.kept()::remove);
        feed.coalesced(merged, into);
    }

    /** A transaction that had made them is undone. */
    void forgetSnapshots(Collection<PointInTime> undone) {
        snapshots.removeAll(undone);
        undone.forEach(PointInTime::release);
    }

    /** The union of {@code generations}. */
    Marks union(SortedSet<Long> generations, Granularity granularity) {
        Marks union = Marks.none(granularity, state.sizeBytes());
        for (long generation : generations) {
            union.union(marks(generation).orElseThrow());
        }
        return union;
    }

    /** All that the bitmap holds, also while a cut isn't recorded yet. */
    Marks unionOfAll(Bitmap bitmap) {
        Marks union = Marks.none(bitmap.granularity(), state.sizeBytes());
        for (long generation : bitmap.allGenerations()) {
            Marks kept = files.kept().get(generation);
            if (generation < state.open().number() && kept != null) {
                union.union(kept);
            }
        }
        if (bitmap.isRecording()) {
            files.live().values().forEach(set -> union.union(set.marks()));
        }
        return union;
    }

    /** Writes down how a backup ended, unless that's known, and lets its snapshot go. */
    void conclude(BackupKey key, Conclusion conclusion) {
        UndecidedBackup undecided = state.undecided().get(key);
        boolean saysMore = undecided != null
                && (undecided.phase() == UndecidedBackup.Phase.RUNNING
                        || conclusion instanceof Conclusion.Committed
                        || conclusion instanceof Conclusion.Aborted);
        if (saysMore) {
            append(List.of(new DriveEvent.BackupConcluded(key, conclusion)));
            tidy();
        }
        PointInTime ended = running.remove(key);
        if (ended != null) {
            snapshots.remove(ended);
            ended.release();
        }
    }

    /** The process is gone. */
    void die() {
        io.die();
        feed.close();
        files.ended(image.foreignWrites());
    }

    /** Gives the drive up in order; writes have ended. */
    void detach() {
        List.copyOf(running.keySet()).forEach(key -> conclude(key, new Conclusion.Cancelled()));
        io.end();
        image.flush();
        files.keepOpen();
        append(List.of(new DriveEvent.DriveDetached(Attaching.IDENTITY)));
        left();
    }

    /** Gives the drive up to another agent; writes have ended. */
    void release() {
        List.copyOf(running.keySet()).forEach(key -> conclude(key, new Conclusion.Cancelled()));
        io.end();
        image.flush();
        Marks marks = open.marks();
        files.kept().put(open.generation(), marks.copyAt(marks.granularity()));
        append(Release.events(
                state, new Generation.Seal(marks.dirtyBytes(), marks.digest()), Attaching.IDENTITY, "another"));
        left();
    }

    private void left() {
        feed.close();
        files.log(Optional.empty());
        files.keepLost(List.of());
        files.loseMemory();
        files.ended(image.foreignWrites());
    }

    @Override
    public DriveState state() {
        return state;
    }

    @Override
    public IncarnationId incarnation() {
        return incarnation;
    }

    @Override
    public long firstControl() {
        return files.journal().getFirst().control();
    }

    @Override
    public LogRecord record(long control) {
        return files.journal().get(Math.toIntExact(control - firstControl()));
    }

    @Override
    public Optional<Marks> marks(long generation) {
        if (generation == open.generation()) {
            return Optional.of(open.marks());
        }
        Optional<Marks> kept = Optional.ofNullable(files.kept().get(generation));
        if (kept.isEmpty() && Feed.isWanted(state, generation)) {
            throw new IllegalStateException(id + ": no marks of generation " + generation);
        }
        return kept;
    }

    @Override
    public boolean isMissing(long generation) {
        return isIncoming() && incoming().missing().contains(generation);
    }

    /** Whether bitmaps are on their way from the agent that handed the drive over. */
    boolean isIncoming() {
        return Incoming.isIncoming(state);
    }

    /** The last hand-over that the journal tells of; none is compacted before its end. */
    Optional<IncarnationId> handover() {
        return files.journal().reversed().stream()
                .filter(record -> record.event() instanceof DriveEvent.DriveHandedOver)
                .map(LogRecord::incarnation)
                .findFirst();
    }

    Incoming incoming() {
        return Incoming.of(
                state,
                number -> Optional.ofNullable(files.kept().get(number))
                        .filter(marks ->
                                Incoming.objection(state, number, marks).isEmpty())
                        .isPresent());
    }

    @Override
    public long acknowledged() {
        return files.acknowledged();
    }

    @Override
    public void acknowledge(long control) {
        files.acknowledge(control);
    }

    @Override
    public long writes() {
        return 0;
    }

    @Override
    public long writtenBytes() {
        return 0;
    }
}
