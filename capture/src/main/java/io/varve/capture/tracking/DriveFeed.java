package io.varve.capture.tracking;

import io.varve.core.bits.Extent;
import io.varve.core.bits.Marks;
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
import java.util.concurrent.locks.Lock;

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
            long next = acknowledged.control() + 1;
            return next <= drive.state().control() ? controls(next) : extents();
        } finally {
            control.unlock();
        }
    }

    /** The number of the control event that is to be published next, which may not exist yet. */
    public long nextControl() {
        control.lock();
        try {
            return acknowledged.control() + 1;
        } finally {
            control.unlock();
        }
    }

    /** How many control events the broker doesn't have, as far as is known. */
    public long waitingControls() {
        control.lock();
        try {
            return drive.state().control() - acknowledged.control();
        } finally {
            control.unlock();
        }
    }

    /** The broker has all of {@code batch}. */
    public void acknowledge(FeedBatch batch) throws IOException {
        control.lock();
        try {
            if (batch.isControl()) {
                acknowledged.set(Math.max(
                        acknowledged.control(), batch.records().getLast().control()));
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
            published.resendAll();
            complete.clear();
        } finally {
            control.unlock();
        }
        changed.run();
    }

    /** Publishes a generation's marks again, and its seal if the journal still holds it. */
    public void republishGeneration(long generation) throws IOException {
        control.lock();
        try {
            published.resend(generation);
            complete.remove(generation);
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

    /** The generation is gone; under the control lock. */
    void forget(long generation) {
        published.forget(generation);
        complete.remove(generation);
    }

    private Optional<FeedBatch> controls(long from) throws IOException {
        List<LogRecord> records = new ArrayList<>();
        for (long number = from; number <= drive.state().control() && records.size() < BATCH_RECORDS_MAX; number++) {
            LogRecord record = record(number);
            if (isHeld(record)) {
                break;
            }
            if (record.event() instanceof GenerationSealed sealed) {
                // By the seal's own incarnation: this one's attach may not be in the log yet.
                Optional<FeedBatch> first = extentsOf(sealed.generation(), record.incarnation());
                if (first.isPresent()) {
                    return records.isEmpty() ? first : Optional.of(new FeedBatch(records));
                }
            }
            records.add(record);
        }
        return records.isEmpty() ? Optional.empty() : Optional.of(new FeedBatch(records));
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

    private Optional<FeedBatch> extentsOf(long generation, IncarnationId incarnation) throws IOException {
        DriveState state = drive.state();
        boolean isOpen = state.open().number() == generation;
        if (!state.generations().containsKey(generation) || complete.contains(generation)) {
            return Optional.empty();
        }
        Marks marks = drive.marks(generation);
        List<Extent> pending = published.pending(generation, marks, RECORD_EXTENTS_MAX * BATCH_RECORDS_MAX);
        if (pending.isEmpty()) {
            if (!isOpen) {
                complete.add(generation);
            }
            return Optional.empty();
        }
        List<LogRecord> records = new ArrayList<>();
        for (int from = 0; from < pending.size(); from += RECORD_EXTENTS_MAX) {
            List<Extent> extents = pending.subList(from, Math.min(pending.size(), from + RECORD_EXTENTS_MAX));
            records.add(new LogRecord(drive.image().drive(), incarnation, 0, dirtied(generation, extents)));
        }
        return Optional.of(new FeedBatch(records));
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
            if (record(number).event() instanceof GenerationSealed sealed && sealed.generation() == generation) {
                return number;
            }
        }
        return drive.state().control() + 1;
    }
}
