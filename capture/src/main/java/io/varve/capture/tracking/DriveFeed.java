package io.varve.capture.tracking;

import io.varve.core.bits.Extent;
import io.varve.core.bits.Marks;
import io.varve.core.drive.BitmapStatus;
import io.varve.core.drive.DriveState;
import io.varve.core.event.DriveEvent;
import io.varve.core.event.DriveEvent.ExtentsDirtied;
import io.varve.core.event.DriveEvent.GenerationSealed;
import io.varve.core.event.LogRecord;
import io.varve.core.id.IncarnationId;
import java.io.IOException;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.NavigableMap;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.concurrent.locks.Lock;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * What of a drive's log isn't published yet, in the order in which it may be: control events as numbered; a
 * generation's extents before its seal; a sync point's marker only after the image was flushed for it; the open
 * generation's extents whenever nothing else waits.
 *
 * <p>The next batch is given only when the one before was acknowledged, so that "before" means acknowledged by the
 * broker. Giving a batch twice, after a failure, is harmless.
 *
 * <p>Thread: safe for any thread; waits for the agent's control lock.
 */
public final class DriveFeed {
    private static final Logger LOG = LoggerFactory.getLogger(DriveFeed.class);
    private static final int RECORD_EXTENTS_MAX = 4096;
    private static final int BATCH_RECORDS_MAX = 64;

    private final Lock control;
    private final Runnable changed;
    private final AttachedDrive drive;
    private final AcknowledgedControl acknowledged;
    private final PublishedMarks published = new PublishedMarks();
    /** Sealed generations that are published whole. */
    private final Set<Long> complete = new HashSet<>();
    /** Ranges of control numbers whose markers wait for a flush. */
    private final NavigableMap<Long, Long> held = new TreeMap<>();

    private Optional<FeedBatch> given = Optional.empty();
    private boolean isClosed;
    private long toldWrites;
    private long toldWrittenBytes;

    DriveFeed(Lock control, Runnable changed, AttachedDrive drive, AcknowledgedControl acknowledged) {
        this.control = control;
        this.changed = changed;
        this.drive = drive;
        this.acknowledged = acknowledged;
    }

    /** What to publish next; empty while there's nothing, or what is next may not be published yet. */
    public Optional<FeedBatch> next() throws IOException {
        control.lock();
        try {
            given = isClosed ? Optional.empty() : pending();
            return given;
        } finally {
            control.unlock();
        }
    }

    /** The number of the control event that is to be published next, which may not exist yet. */
    public long nextControl() {
        control.lock();
        try {
            return firstUnpublished();
        } finally {
            control.unlock();
        }
    }

    /** How many control events the broker doesn't have, as far as is known. */
    public long waitingControls() {
        control.lock();
        try {
            return drive.state().control() + 1 - firstUnpublished();
        } finally {
            control.unlock();
        }
    }

    /**
     * The broker has all of {@code batch}. Only the one given last counts, and only if nothing was asked for again
     * since: what it holds is given once more then.
     */
    public void acknowledge(FeedBatch batch) throws IOException {
        control.lock();
        try {
            if (!isCurrent(batch)) {
                return;
            }
            given = Optional.empty();
            if (batch.isControl()) {
                acknowledgeControls(batch.records().getLast());
                return;
            }
            for (LogRecord record : batch.records()) {
                ExtentsDirtied dirtied = (ExtentsDirtied) record.event();
                published.acknowledge(dirtied.generation(), dirtied.extents());
            }
        } finally {
            control.unlock();
        }
    }

    /**
     * Publishes again the control events from this number on, and all retained marks; what the journal no longer holds
     * is answered by its checkpoint.
     */
    public void republishFrom(long controlNumber) throws IOException {
        control.lock();
        try {
            long from = Math.max(controlNumber, drive.log().firstControl());
            acknowledged.set(Math.min(acknowledged.control(), from - 1));
            resendAll();
        } finally {
            control.unlock();
        }
        changed.run();
    }

    /** Publishes a generation's marks again, and its seal if the journal still holds it. */
    public void republishGeneration(long generation) throws IOException {
        control.lock();
        try {
            given = Optional.empty();
            resend(generation);
            long seal = sealOf(generation);
            acknowledged.set(Math.min(acknowledged.control(), seal - 1));
        } finally {
            control.unlock();
        }
        changed.run();
    }

    /** The markers among these control events wait until {@link #releaseMarkers}; under the control lock. */
    void holdMarkers(long fromControl, long toControl) {
        held.put(fromControl, toControl);
    }

    void releaseMarkers(long fromControl) {
        control.lock();
        try {
            held.remove(fromControl);
        } finally {
            control.unlock();
        }
        changed.run();
    }

    /** All retained marks count as unpublished; under the control lock. */
    void resendAll() {
        given = Optional.empty();
        published.resendAll();
        complete.clear();
    }

    /** {@code into} holds the marks of {@code merged}, too; under the control lock. */
    void coalesced(Set<Long> merged, long into) {
        boolean isPublished = complete.contains(into) && complete.containsAll(merged);
        merged.forEach(this::forget);
        if (!isPublished) {
            given = Optional.empty();
            resend(into);
        }
    }

    /** Nothing is given any more; under the control lock. */
    void close() {
        isClosed = true;
        given = Optional.empty();
    }

    private void resend(long generation) {
        published.resend(generation);
        complete.remove(generation);
    }

    /** The generation is gone; under the control lock. */
    void forget(long generation) {
        published.forget(generation);
        complete.remove(generation);
    }

    /** An equal one that was given before a request isn't: a reader may have lost what it was given then. */
    @SuppressWarnings("ReferenceEquality")
    private boolean isCurrent(FeedBatch batch) {
        return !isClosed && given.filter(last -> last == batch).isPresent();
    }

    /** Behind a checkpoint all marks are sent again: a reader may have dropped what it brings back. */
    private void acknowledgeControls(LogRecord last) throws IOException {
        acknowledged.set(Math.max(acknowledged.control(), last.control()));
        if (last.event() instanceof DriveEvent.Checkpoint) {
            resendAll();
        }
        drive.tidy();
    }

    /** What a compaction took out of the journal is published by its checkpoint. */
    private long firstUnpublished() {
        return Math.max(acknowledged.control() + 1, drive.log().firstControl());
    }

    private Optional<FeedBatch> pending() throws IOException {
        long next = firstUnpublished();
        return next <= drive.state().control() ? controls(next) : extents();
    }

    private Optional<FeedBatch> controls(long from) throws IOException {
        List<LogRecord> records = new ArrayList<>();
        for (long number = from; number <= drive.state().control() && records.size() < BATCH_RECORDS_MAX; number++) {
            LogRecord record = record(number);
            if (isHeld(record) || needed(record.event()).stream().anyMatch(drive.incoming()::isMissing)) {
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
    private Optional<FeedBatch> extentsBefore(LogRecord record) throws IOException {
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

    private LogRecord record(long number) throws IOException {
        return drive.log()
                .read(number)
                .orElseThrow(() -> new IOException("the journal of drive '"
                        + drive.image().drive() + "' doesn't hold its control event " + number));
    }

    private boolean isHeld(LogRecord record) {
        var range = held.floorEntry(record.control());
        return record.event() instanceof DriveEvent.SyncPointMarked
                && range != null
                && record.control() <= range.getValue();
    }

    private Optional<FeedBatch> extents() throws IOException {
        for (long generation : drive.state().generations().keySet()) {
            Optional<FeedBatch> batch = extentsOf(generation, drive.log().incarnation());
            if (batch.isPresent()) {
                return batch;
            }
        }
        return Optional.empty();
    }

    private Optional<FeedBatch> extentsOf(long generation, IncarnationId writer) throws IOException {
        DriveState state = drive.state();
        boolean isOpen = state.open().number() == generation;
        if (!state.generations().containsKey(generation)
                || complete.contains(generation)
                || drive.incoming().isMissing(generation)) {
            return Optional.empty();
        }
        Optional<Marks> known = marks(generation);
        if (known.isEmpty()) {
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
            records.add(new LogRecord(drive.image().drive(), writer, 0, dirtied(generation, part)));
        }
        return Optional.of(new FeedBatch(records));
    }

    /** Empty when they can't be read, and nobody wants them: else a drive with a lost file would be silent for ever. */
    private Optional<Marks> marks(long generation) throws IOException {
        try {
            return Optional.of(drive.marks(generation));
        } catch (IOException e) {
            if (isWanted(generation)) {
                throw e;
            }
            LOG.warn(
                    "drive '{}': the marks of generation {}, of inconsistent bitmaps alone, are left out: {}",
                    drive.image().drive(),
                    generation,
                    e.toString());
            complete.add(generation);
            return Optional.empty();
        }
    }

    private boolean isWanted(long generation) {
        return drive.state().bitmaps().values().stream()
                .filter(bitmap -> !(bitmap.status() instanceof BitmapStatus.Inconsistent))
                .anyMatch(bitmap -> bitmap.allGenerations().contains(generation));
    }

    private ExtentsDirtied dirtied(long generation, List<Extent> extents) {
        long writes = drive.path().writes();
        long writtenBytes = drive.path().writtenBytes();
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

    private long sealOf(long generation) throws IOException {
        for (long number = drive.state().control(); number >= drive.log().firstControl(); number--) {
            boolean isSeal = switch (record(number).event()) {
                case GenerationSealed sealed -> sealed.generation() == generation;
                case DriveEvent.MarksImported imported -> imported.generation() == generation;
                default -> false;
            };
            if (isSeal) {
                return number;
            }
        }
        return drive.state().control() + 1;
    }
}
