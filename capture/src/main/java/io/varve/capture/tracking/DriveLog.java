package io.varve.capture.tracking;

import io.varve.capture.journal.Journal;
import io.varve.core.drive.DriveState;
import io.varve.core.event.DriveEvent;
import io.varve.core.event.LogRecord;
import io.varve.core.fold.Effect;
import io.varve.core.fold.Fold;
import io.varve.core.fold.Step;
import io.varve.core.id.DriveId;
import io.varve.core.id.IncarnationId;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/**
 * A drive's journal, and the state that it folds to.
 *
 * <p>Thread: the agent's control lock, but {@link #state} is for any thread.
 */
final class DriveLog implements AutoCloseable {
    private final DriveId drive;
    private final IncarnationId incarnation;
    private final Journal journal;
    private volatile DriveState state;
    private Optional<LogRecord> attached = Optional.empty();
    private long compactedBytes;

    private DriveLog(DriveId drive, IncarnationId incarnation, Journal journal, DriveState state) {
        this.drive = drive;
        this.incarnation = incarnation;
        this.journal = journal;
        this.state = state;
    }

    /** The log of a drive that nothing is known of; {@code attached} is its first record, durable when this returns. */
    static DriveLog begin(DriveId drive, IncarnationId incarnation, Journal journal, DriveEvent.DriveAttached attached)
            throws IOException {
        LogRecord first = new LogRecord(drive, incarnation, 1, attached);
        journal.append(List.of(first));
        DriveLog log = new DriveLog(
                drive,
                incarnation,
                journal,
                Fold.apply(Optional.empty(), first).state().orElseThrow());
        log.attached = Optional.of(first);
        return log;
    }

    /** The log that {@code incarnation} goes on with; its first record has to be an attach. */
    static DriveLog resume(DriveId drive, IncarnationId incarnation, Journal journal, DriveState state) {
        return new DriveLog(drive, incarnation, journal, state);
    }

    /** What {@code records}, of which the first is an attach or a checkpoint, come to. */
    static Optional<DriveState> replay(List<LogRecord> records) {
        Optional<DriveState> state = Optional.empty();
        for (LogRecord record : records) {
            state = Fold.apply(state, record).state();
        }
        return state;
    }

    DriveState state() {
        return state;
    }

    IncarnationId incarnation() {
        return incarnation;
    }

    /** The control number of the first record that the journal still holds. */
    long firstControl() {
        return journal.firstControl().orElse(1L);
    }

    Optional<LogRecord> read(long control) throws IOException {
        return journal.read(control);
    }

    /**
     * Appends {@code events}, all or none: durable, and then part of the state, when it returns.
     *
     * @return what the fold asks for
     */
    List<Effect> append(List<DriveEvent> events) throws IOException {
        List<LogRecord> records = new ArrayList<>();
        List<Effect> effects = new ArrayList<>();
        DriveState folded = state;
        for (DriveEvent event : events) {
            LogRecord record = new LogRecord(drive, incarnation, folded.control() + 1, event);
            Step step = Fold.apply(Optional.of(folded), record);
            folded = step.state().orElseThrow();
            if (folded.control() != record.control()) {
                throw new IllegalStateException(
                        "drive '" + drive + "' can't fold its own record " + record.control() + ": " + event);
            }
            records.add(record);
            effects.addAll(step.effects());
        }
        journal.append(records);
        state = folded;
        records.stream()
                .filter(r -> r.event() instanceof DriveEvent.DriveAttached)
                .forEach(r -> attached = Optional.of(r));
        return effects;
    }

    /** Whether a compaction is due: as seldom as the journal doubles. */
    boolean isLong() {
        return journal.sizeBytes() > Math.max(AgentOptions.JOURNAL_BYTES, 2 * compactedBytes);
    }

    /** Puts a checkpoint in the place of all records, and of the last attach, which the next run wants to know. */
    void compact() throws IOException {
        DriveState whole = state.withControl(state.control() + 1);
        LogRecord checkpoint = new LogRecord(drive, incarnation, whole.control(), new DriveEvent.Checkpoint(whole));
        List<LogRecord> records = new ArrayList<>(attached.stream().toList());
        records.add(checkpoint);
        journal.compact(records);
        state = whole;
        compactedBytes = journal.sizeBytes();
    }

    @Override
    public void close() throws IOException {
        journal.close();
    }
}
