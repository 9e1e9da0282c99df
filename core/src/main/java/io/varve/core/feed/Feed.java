package io.varve.core.feed;

import io.varve.core.bits.Extent;
import io.varve.core.bits.Marks;
import io.varve.core.drive.BitmapStatus;
import io.varve.core.drive.DriveState;
import io.varve.core.event.DriveEvent;
import io.varve.core.event.DriveEvent.ExtentsDirtied;
import io.varve.core.event.DriveEvent.GenerationSealed;
import io.varve.core.event.LogRecord;
import io.varve.core.id.IncarnationId;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.NavigableMap;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;

/**
 * What of a drive's log isn't published yet, in the order in which it may be: control events as numbered; a
 * generation's extents before its seal; a sync point's marker only after the image was flushed for it; the open
 * generation's extents whenever nothing else waits.
 *
 * <p>The next batch is given only when the one before was acknowledged, so that "before" means acknowledged by the
 * broker. Giving a batch twice, after a failure, is harmless.
 *
 * <p>Thread: one at a time, the one that changes the drive's state.
 *
 * @param <X> what reading the drive's files may throw
 */
public final class Feed<X extends Exception> {
    private static final int RECORD_EXTENTS_MAX = 4096;
    private static final int BATCH_RECORDS_MAX = 64;

    private final FeedSource<X> drive;
    private final PublishedMarks published = new PublishedMarks();
    /** Sealed generations that are published whole. */
    private final Set<Long> complete = new HashSet<>();
    /** Generations that were asked for again, with the numbers of their seals. */
    private final Map<Long, Long> askedAgain = new HashMap<>();
    /** Ranges of control numbers whose markers wait for a flush. */
    private final NavigableMap<Long, Long> held = new TreeMap<>();

    private Optional<FeedBatch> given = Optional.empty();
    private boolean isClosed;
    private long toldWrites;
    private long toldWrittenBytes;

    public Feed(FeedSource<X> drive) {
        this.drive = drive;
    }

    /** What to publish next; empty while there's nothing, or what is next may not be published yet. */
    public Optional<FeedBatch> next() throws X {
        given = isClosed ? Optional.empty() : pending();
        return given;
    }

    /** The number of the control event that is to be published next, which may not exist yet. */
    public long nextControl() {
        return firstUnpublished();
    }

    /** How many control events the broker doesn't have, as far as is known. */
    public long waitingControls() {
        return drive.state().control() + 1 - firstUnpublished();
    }

    /**
     * The broker has all of {@code batch}. Only the one given last counts, and only if nothing was asked for again
     * since: what it holds is given once more then.
     *
     * @return whether it counted
     */
    public boolean acknowledge(FeedBatch batch) throws X {
        if (!isCurrent(batch)) {
            return false;
        }
        given = Optional.empty();
        if (batch.isControl()) {
            acknowledgeControls(batch.records().getLast());
            return true;
        }
        for (LogRecord record : batch.records()) {
            ExtentsDirtied dirtied = (ExtentsDirtied) record.event();
            published.acknowledge(dirtied.generation(), dirtied.extents());
        }
        return true;
    }

    /**
     * Publishes again the control events from this number on, and all retained marks; what the journal no longer holds
     * is answered by its checkpoint.
     */
    public void republishFrom(long controlNumber) throws X {
        long from = Math.max(controlNumber, drive.firstControl());
        drive.acknowledge(Math.min(drive.acknowledged(), from - 1));
        resendAll();
    }

    /**
     * Publishes generations again, and the control events from this one on. But not from before a merge of one of them:
     * what the log's digests of then are of can't be had any more, and a reader that is sent back there each time that
     * it finds one wanting never comes to the merge's (reliability 6.22).
     *
     * @param generations that are retained; none for all
     */
    public void republish(long fromControl, Set<Long> generations) throws X {
        boolean isMergedSince = false;
        for (long generation : generations) {
            republishGeneration(generation);
            isMergedSince |= isAskedOfLater(generation, fromControl);
        }
        // Their seals, and with them all control events behind, come again already.
        if (generations.isEmpty() || (!isMergedSince && nextControl() > fromControl)) {
            republishFrom(fromControl);
        }
    }

    /** A generation is found wanting at its seal or behind it, so one whose seal is later was merged since. */
    private boolean isAskedOfLater(long generation, long control) {
        return askedAgain.getOrDefault(generation, 0L) > control;
    }

    /**
     * Publishes a generation's marks again, and its seal if the journal still holds it. So come the later seals: a
     * reader that lacks marks of theirs, too, mustn't find them wanting a second time.
     */
    void republishGeneration(long generation) throws X {
        given = Optional.empty();
        resend(generation);
        long seal = sealOf(generation);
        // One whose seal a checkpoint took the place of has its marks alone to publish.
        askedAgain.put(generation, seal <= drive.state().control() ? seal : 0);
        long open = drive.state().open().number();
        drive.state()
                .generations()
                .subMap(generation, Math.max(generation, open))
                .keySet()
                .forEach(this::resend);
        drive.acknowledge(Math.min(drive.acknowledged(), seal - 1));
    }

    /**
     * Whether a reader that finds a generation wanting at this control event is to be believed: it was published again,
     * whole and with its seal, since that was asked for, and wasn't merged since.
     */
    public boolean isWanting(long generation, long atControl) {
        Long seal = askedAgain.get(generation);
        return seal != null
                && complete.contains(generation)
                && firstUnpublished() > seal
                && !isAskedOfLater(generation, atControl);
    }

    /** The markers among these control events wait until {@link #releaseMarkers}. */
    public void holdMarkers(long fromControl, long toControl) {
        held.put(fromControl, toControl);
    }

    /** The image was flushed: the markers may go. */
    public void releaseMarkers(long fromControl) {
        held.remove(fromControl);
    }

    /** All retained marks count as unpublished. */
    public void resendAll() {
        given = Optional.empty();
        published.resendAll();
        complete.clear();
    }

    /** {@code into} holds the marks of {@code merged}, too. */
    public void coalesced(Set<Long> merged, long into) {
        boolean isPublished = complete.contains(into) && complete.containsAll(merged);
        merged.forEach(this::forget);
        if (!isPublished) {
            given = Optional.empty();
            resend(into);
        }
    }

    /** Nothing is given any more. */
    public void close() {
        isClosed = true;
        given = Optional.empty();
    }

    private void resend(long generation) {
        published.resend(generation);
        complete.remove(generation);
    }

    /** The generation is gone. */
    public void forget(long generation) {
        published.forget(generation);
        complete.remove(generation);
        askedAgain.remove(generation);
    }

    /** An equal one that was given before a request isn't: a reader may have lost what it was given then. */
    @SuppressWarnings("ReferenceEquality")
    private boolean isCurrent(FeedBatch batch) {
        return !isClosed && given.filter(last -> last == batch).isPresent();
    }

    /** Behind a checkpoint all marks are sent again: a reader may have dropped what it brings back. */
    private void acknowledgeControls(LogRecord last) throws X {
        drive.acknowledge(Math.max(drive.acknowledged(), last.control()));
        if (last.event() instanceof DriveEvent.Checkpoint) {
            resendAll();
        }
    }

    /** What a compaction took out of the journal is published by its checkpoint. */
    private long firstUnpublished() {
        return Math.max(drive.acknowledged() + 1, drive.firstControl());
    }

    private Optional<FeedBatch> pending() throws X {
        long next = firstUnpublished();
        return next <= drive.state().control() ? controls(next) : extents();
    }

    private Optional<FeedBatch> controls(long from) throws X {
        List<LogRecord> records = new ArrayList<>();
        for (long number = from; number <= drive.state().control() && records.size() < BATCH_RECORDS_MAX; number++) {
            LogRecord record = drive.record(number);
            if (isHeld(record) || needed(record.event()).stream().anyMatch(drive::isMissing)) {
                break;
            }
            Optional<FeedBatch> first = extentsBefore(record);
            if (first.isPresent()) {
                return records.isEmpty() ? first : Optional.of(new FeedBatch(records));
            }
            records.add(record);
            if (record.event() instanceof DriveEvent.Checkpoint) {
                break;
            }
        }
        return records.isEmpty() ? Optional.empty() : Optional.of(new FeedBatch(records));
    }

    /** What the broker has to have before: the marks that the event has a digest of. */
    private Optional<FeedBatch> extentsBefore(LogRecord record) throws X {
        for (long generation : needed(record.event())) {
            // A reader that comes to this record doesn't know of a later attach yet, ours perhaps (I8).
            Optional<FeedBatch> extents = extentsOf(generation, record.incarnation());
            if (extents.isPresent()) {
                return extents;
            }
        }
        return Optional.empty();
    }

    private static Set<Long> needed(DriveEvent event) {
        Set<Long> needed = new TreeSet<>();
        if (event instanceof GenerationSealed sealed) {
            needed.add(sealed.generation());
        } else if (event instanceof DriveEvent.MarksImported imported) {
            needed.add(imported.generation());
        } else if (event instanceof DriveEvent.GenerationsCoalesced coalesced) {
            needed.add(coalesced.into());
        } else if (event instanceof DriveEvent.SyncPointMarked(var mark)) {
            mark.cut().ifPresent(cut -> needed.addAll(cut.generations()));
        }
        return needed;
    }

    private boolean isHeld(LogRecord record) {
        var range = held.floorEntry(record.control());
        return record.event() instanceof DriveEvent.SyncPointMarked
                && range != null
                && record.control() <= range.getValue();
    }

    private Optional<FeedBatch> extents() throws X {
        for (long generation : drive.state().generations().keySet()) {
            Optional<FeedBatch> batch = extentsOf(generation, drive.incarnation());
            if (batch.isPresent()) {
                return batch;
            }
        }
        return Optional.empty();
    }

    private Optional<FeedBatch> extentsOf(long generation, IncarnationId writer) throws X {
        DriveState state = drive.state();
        boolean isOpen = state.open().number() == generation;
        if (!state.generations().containsKey(generation)
                || complete.contains(generation)
                || drive.isMissing(generation)) {
            return Optional.empty();
        }
        Optional<Marks> known = drive.marks(generation);
        if (known.isEmpty()) {
            complete.add(generation);
            return Optional.empty();
        }
        Marks marks = known.get();
        List<Extent> pending = published.pending(generation, marks, RECORD_EXTENTS_MAX * BATCH_RECORDS_MAX);
        if (pending.isEmpty()) {
            if (!isOpen) {
                complete.add(generation);
                published.resend(generation);
            }
            return Optional.empty();
        }
        List<LogRecord> records = new ArrayList<>();
        for (int from = 0; from < pending.size(); from += RECORD_EXTENTS_MAX) {
            List<Extent> part = pending.subList(from, Math.min(pending.size(), from + RECORD_EXTENTS_MAX));
            records.add(new LogRecord(drive.state().drive(), writer, 0, dirtied(generation, part)));
        }
        return Optional.of(new FeedBatch(records));
    }

    /** Whether a bitmap that can still be used needs the generation's marks. */
    public static boolean isWanted(DriveState state, long generation) {
        return state.bitmaps().values().stream()
                .filter(bitmap -> !(bitmap.status() instanceof BitmapStatus.Inconsistent))
                .anyMatch(bitmap -> bitmap.allGenerations().contains(generation));
    }

    private ExtentsDirtied dirtied(long generation, List<Extent> extents) {
        long writes = drive.writes();
        long writtenBytes = drive.writtenBytes();
        ExtentsDirtied dirtied = new ExtentsDirtied(
                generation,
                published.nextSequence(generation),
                extents,
                writes - toldWrites,
                writtenBytes - toldWrittenBytes);
        toldWrites = writes;
        toldWrittenBytes = writtenBytes;
        return dirtied;
    }

    private long sealOf(long generation) throws X {
        for (long number = drive.state().control(); number >= drive.firstControl(); number--) {
            boolean isSeal = switch (drive.record(number).event()) {
                case GenerationSealed sealed -> sealed.generation() == generation;
                case DriveEvent.MarksImported imported -> imported.generation() == generation;
                case DriveEvent.GenerationsCoalesced coalesced -> coalesced.into() == generation;
                default -> false;
            };
            if (isSeal) {
                return number;
            }
        }
        return drive.state().control() + 1;
    }
}
