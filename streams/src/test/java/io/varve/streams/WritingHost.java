package io.varve.streams;

import io.varve.core.bits.Digest;
import io.varve.core.bits.Extent;
import io.varve.core.bits.Granularity;
import io.varve.core.bits.HierarchicalBitSet;
import io.varve.core.bits.Marks;
import io.varve.core.drive.Anchor;
import io.varve.core.drive.Arrival;
import io.varve.core.drive.BackupTarget;
import io.varve.core.drive.BitmapMode;
import io.varve.core.drive.Completion;
import io.varve.core.drive.Conclusion;
import io.varve.core.drive.DriveState;
import io.varve.core.drive.Generation;
import io.varve.core.drive.ImageIdentity;
import io.varve.core.drive.Recording;
import io.varve.core.drive.SyncPointMark.SnapshotExport;
import io.varve.core.event.DriveEvent;
import io.varve.core.event.LogRecord;
import io.varve.core.fold.Fold;
import io.varve.core.id.DriveId;
import io.varve.core.id.IncarnationId;
import io.varve.core.id.JournalId;
import io.varve.core.id.SyncPointId;
import io.varve.core.transaction.Action;
import io.varve.core.transaction.Plan;
import io.varve.core.transaction.SyncMode;
import io.varve.core.transaction.Transaction;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import java.util.SortedMap;
import java.util.SortedSet;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.UUID;

/** Some drives' writer, in memory: it marks, cuts and logs as an agent does. */
final class WritingHost {
    static final String BITMAP = "b";
    private static final IncarnationId INCARNATION = new IncarnationId(new UUID(1, 1));

    private final List<LogRecord> log = new ArrayList<>();
    private final SortedMap<DriveId, DriveState> states = new TreeMap<>();
    private final SortedMap<DriveId, SortedMap<Long, Marks>> marks = new TreeMap<>();
    private int syncPoints;
    private int told;

    /** Drives with one bitmap each, {@value #BITMAP}, that the archive holds a full backup of. */
    static WritingHost withAnchoredBitmaps(long sizeBytes, long granularityBytes, String... drives) {
        WritingHost host = new WritingHost(sizeBytes, drives);
        for (String drive : drives) {
            host.transact(Completion.INDIVIDUAL, add(drive, BITMAP, granularityBytes));
        }
        SyncPointId full = host.backup(Completion.GROUPED, SyncMode.FULL, drives);
        for (String drive : drives) {
            host.conclude(drive, new Conclusion.Committed(anchor(full)));
        }
        return host;
    }

    WritingHost(long sizeBytes, String... drives) {
        for (String drive : drives) {
            DriveId id = new DriveId(drive);
            append(
                    id,
                    new DriveEvent.DriveAttached(
                            new JournalId(new UUID(2, 2)),
                            Optional.empty(),
                            1,
                            Granularity.DEFAULT,
                            sizeBytes,
                            new ImageIdentity("disk.raw", "1", 0, ""),
                            Arrival.FRESH));
            open(id);
        }
    }

    static Action add(String drive, String bitmap, long granularityBytes) {
        return new Action.AddBitmap(drive, bitmap, Optional.of(granularityBytes), true, Recording.ENABLED);
    }

    static Anchor anchor(SyncPointId syncPoint) {
        return new Anchor(syncPoint, syncPoint, 0, "manifest", Digest.of(HierarchicalBitSet.ofHeap(1)));
    }

    List<LogRecord> log() {
        return List.copyOf(log);
    }

    /** What was logged since the last call of this. */
    List<LogRecord> news() {
        List<LogRecord> news = List.copyOf(log.subList(told, log.size()));
        told = log.size();
        return news;
    }

    DriveState state(String drive) {
        return Objects.requireNonNull(states.get(new DriveId(drive)));
    }

    /** Marks a write and logs it. */
    LogRecord write(String drive, long offsetBytes, long lengthBytes) {
        return write(drive, List.of(new Extent(offsetBytes, lengthBytes)));
    }

    /** Marks writes and logs them in one record. */
    LogRecord write(String drive, List<Extent> extents) {
        DriveId id = new DriveId(drive);
        Generation open = state(drive).open();
        Marks written = Marks.none(open.granularity(), open.sizeBytes());
        extents.forEach(written::mark);
        marks(id, open.number()).union(written);
        LogRecord record = dirtied(id, open.number(), written);
        log.add(record);
        return record;
    }

    private static LogRecord dirtied(DriveId drive, long generation, Marks written) {
        List<Extent> extents = written.extents();
        return new LogRecord(
                drive, INCARNATION, 0, new DriveEvent.ExtentsDirtied(generation, 1, extents, extents.size(), 1));
    }

    /** Backs each drive's bitmap up to the archive. */
    SyncPointId backup(Completion completion, SyncMode sync, String... drives) {
        Optional<BitmapMode> mode = sync == SyncMode.FULL ? Optional.of(BitmapMode.ON_SUCCESS) : Optional.empty();
        Action[] backups = Arrays.stream(drives)
                .map(drive -> new Action.Backup(drive, sync, Optional.of(BITMAP), mode, BackupTarget.ARCHIVE))
                .toArray(Action[]::new);
        return transact(completion, backups);
    }

    /** Carries the actions out. */
    SyncPointId transact(Completion completion, Action... actions) {
        SyncPointId syncPoint = new SyncPointId("sp-" + ++syncPoints);
        Plan plan = Transaction.plan(states, List.of(actions), completion, syncPoint);
        if (!(plan instanceof Plan.Planned(var drives))) {
            throw new AssertionError("refused: " + plan);
        }
        drives.forEach(drive -> {
            Marks sealed = marks(drive.drive(), drive.sealed());
            drive.events(
                            new Generation.Seal(sealed.dirtyBytes(), sealed.digest()),
                            cut -> {
                                Marks union = union(drive.drive(), cut.generations(), cut.granularity());
                                return new Generation.Seal(union.dirtyBytes(), union.digest());
                            },
                            key -> new SnapshotExport("unix:/run/varve.sock", drive.drive() + "@" + key.syncPoint()))
                    .forEach(event -> append(drive.drive(), event));
            open(drive.drive());
        });
        return syncPoint;
    }

    /** Ends the drive's only undecided backup. */
    void conclude(String drive, Conclusion conclusion) {
        append(
                new DriveId(drive),
                new DriveEvent.BackupConcluded(state(drive).undecided().firstKey(), conclusion));
    }

    /** Puts the whole state into the log, as a compaction of the journal does. */
    LogRecord checkpoint(String drive) {
        DriveState state = state(drive);
        append(new DriveId(drive), new DriveEvent.Checkpoint(state.withControl(state.control() + 1)));
        return log.getLast();
    }

    /** Makes one of all the sealed generations of the drive, if the same bitmaps refer to them. */
    void coalesce(String drive) {
        DriveId id = new DriveId(drive);
        DriveState state = state(drive);
        TreeSet<Long> sealed =
                new TreeSet<>(state.generations().headMap(state.open().number()).keySet());
        boolean alike = state.bitmaps().values().stream()
                .allMatch(bitmap -> bitmap.generations().containsAll(sealed)
                        && bitmap.allGenerations().equals(bitmap.generations()));
        if (sealed.size() < 2 || !alike) {
            return;
        }
        long into = sealed.removeLast();
        Granularity finest = state.generations().headMap(into + 1).values().stream()
                .map(Generation::granularity)
                .reduce(Granularity::finer)
                .orElseThrow();
        Marks union = union(id, sealed, finest);
        union.union(marks(id, into));
        Objects.requireNonNull(marks.get(id)).put(into, union);
        append(id, new DriveEvent.GenerationsCoalesced(sealed, into, union.dirtyBytes(), union.digest()));
    }

    /** What the agent publishes when it's asked to: the generations' marks, then the control events. */
    List<LogRecord> published(String drive, long fromControl, SortedSet<Long> generations) {
        DriveId id = new DriveId(drive);
        List<LogRecord> again = new ArrayList<>();
        state(drive).generations().keySet().stream()
                .filter(number -> !generations.isEmpty() && number >= generations.first())
                .forEach(number -> again.add(dirtied(id, number, marks(id, number))));
        log.stream()
                .filter(record -> record.drive().equals(id) && record.control() >= fromControl && record.isControl())
                .forEach(again::add);
        return again;
    }

    private Marks union(DriveId drive, Iterable<Long> generations, Granularity granularity) {
        Marks union = Marks.none(granularity, state(drive.value()).sizeBytes());
        generations.forEach(number -> union.union(marks(drive, number)));
        return union;
    }

    private Marks marks(DriveId drive, long generation) {
        return Objects.requireNonNull(Objects.requireNonNull(marks.get(drive)).get(generation));
    }

    private void open(DriveId drive) {
        Generation open = state(drive.value()).open();
        marks.computeIfAbsent(drive, id -> new TreeMap<>())
                .put(open.number(), Marks.none(open.granularity(), open.sizeBytes()));
    }

    private void append(DriveId drive, DriveEvent event) {
        Optional<DriveState> before = Optional.ofNullable(states.get(drive));
        LogRecord record = new LogRecord(
                drive, INCARNATION, before.map(DriveState::control).orElse(0L) + 1, event);
        log.add(record);
        states.put(drive, Fold.apply(before, record).state().orElseThrow());
    }
}
