package io.varve.capture.tracking;

import io.varve.capture.journal.CorruptJournalException;
import io.varve.capture.journal.Journal;
import io.varve.core.bits.Granularity;
import io.varve.core.drive.Arrival;
import io.varve.core.drive.Conclusion;
import io.varve.core.drive.DriveState;
import io.varve.core.drive.Generation;
import io.varve.core.drive.ImageIdentity;
import io.varve.core.drive.UndecidedBackup;
import io.varve.core.event.DriveEvent;
import io.varve.core.event.LogRecord;
import io.varve.core.id.DriveId;
import io.varve.core.id.IncarnationId;
import io.varve.core.id.JournalId;
import io.varve.core.recovery.Evidence;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Attaches to a drive: finds out how its last run ended, takes over its marks, and writes {@code DriveAttached}.
 *
 * <p>Thread: the agent's control lock.
 */
final class Attachment {
    private static final Logger LOG = LoggerFactory.getLogger(Attachment.class);
    private static final String JOURNAL = "journal";

    private final AgentSurroundings surroundings;
    private final DriveImage image;
    private final Path stateDirectory;
    private final KeptMarks kept;
    private final LiveDirectory live;
    private final IncarnationId incarnation;
    private final Deque<Closing> opened = new ArrayDeque<>();

    private interface Closing {
        void close() throws IOException;
    }

    /**
     * What an attachment comes to.
     *
     * @param wasDetached whether the last run ended in order
     */
    record Attached(
            DriveLog log,
            KeptMarks kept,
            LiveDirectory live,
            LiveSet open,
            MappedFile inFlight,
            AcknowledgedControl acknowledged,
            Arrival arrival,
            boolean wasDetached) {}

    private Attachment(
            AgentSurroundings surroundings, DriveImage image, Path stateDirectory, KeptMarks kept, LiveDirectory live) {
        this.surroundings = surroundings;
        this.image = image;
        this.stateDirectory = stateDirectory;
        this.kept = kept;
        this.live = live;
        this.incarnation = new IncarnationId(surroundings.randomId());
    }

    /** Whether a journal of such a drive is there. */
    static boolean exists(AgentOptions options, DriveId drive) {
        return Files.exists(options.stateDirectory().resolve(drive.value()).resolve(JOURNAL));
    }

    /** @throws IOException in one sentence; then nothing is open, and another try finds what this one found */
    static Attached of(AgentOptions options, AgentSurroundings surroundings, DriveImage image) throws IOException {
        String name = image.drive().value();
        Path stateDirectory = Files.createDirectories(options.stateDirectory().resolve(name));
        LiveDirectory live = LiveDirectory.open(options.liveDirectory().resolve(name));
        KeptMarks kept = new KeptMarks(stateDirectory);
        Attachment attachment = new Attachment(surroundings, image, stateDirectory, kept, live);
        try {
            return attachment.attach();
        } catch (IOException | RuntimeException e) {
            attachment.abandon(e);
            throw e;
        }
    }

    /** Closes, and removes nothing: the marks of the last run may have come over into this one already. */
    private void abandon(Exception failure) {
        opened.push(kept::close);
        for (Closing closing : opened) {
            try {
                closing.close();
            } catch (IOException e) {
                failure.addSuppressed(e);
            }
        }
    }

    private Attached attach() throws IOException {
        // A marker of the last run that isn't published yet must not be overtaken by a power cut.
        image.backend().undisturbed().flush();
        ImageIdentity now = ImageIdentities.of(image);
        Path file = stateDirectory.resolve(JOURNAL);
        if (!Files.exists(file)) {
            return fresh(file, now);
        }
        Journal journal = Journal.open(file);
        opened.push(journal::close);
        List<LogRecord> records = journal.records();
        if (records.isEmpty()) {
            // A kill came before the first record.
            journal.close();
            return fresh(file, now);
        }
        long last = records.getLast().control();
        DriveState state = DriveLog.replay(records)
                .filter(s -> s.control() == last)
                .orElseThrow(
                        () -> new CorruptJournalException("'" + file + "' doesn't hold all records up to its last, "
                                + last + ": move it away, and take a full backup of the drive"));
        return inherit(journal, state, records, now);
    }

    private Attached fresh(Path file, ImageIdentity now) throws IOException {
        JournalId id = new JournalId(surroundings.randomId());
        long sizeBytes = image.backend().sizeBytes();
        kept.dropAllBut(Set.of());
        LiveSet open =
                created(new MarkFileHeader(id, incarnation, surroundings.boot(), 1, Granularity.DEFAULT, sizeBytes));
        MappedFile inFlight = live.createInFlight(incarnation);
        opened.push(inFlight::close);
        Journal journal = Journal.create(file, id);
        opened.push(journal::close);
        DriveLog log = DriveLog.begin(
                image.drive(),
                incarnation,
                journal,
                new DriveEvent.DriveAttached(
                        id, Optional.empty(), 1, Granularity.DEFAULT, sizeBytes, now, Arrival.FRESH));
        return attached(log, open, inFlight, Arrival.FRESH, false);
    }

    private Attached inherit(Journal journal, DriveState state, List<LogRecord> records, ImageIdentity now)
            throws IOException {
        DriveLog log = DriveLog.resume(image.drive(), incarnation, journal, state);
        try (LastRun lastRun = LastRun.of(state, records, kept, live)) {
            Evidence.Verdict verdict =
                    lastRun.evidence(image, now, surroundings.boot()).verdict();
            verdict.doubt()
                    .ifPresent(doubt -> LOG.warn(
                            "drive '{}': {}; its bitmaps are inconsistent: 'varve reconcile {}' compares the drive "
                                    + "with the archive, and makes an increment possible",
                            image.drive(),
                            doubt.reason(),
                            image.drive()));
            Generation generation = state.open();
            LiveSet open = created(header(journal.id(), generation.number(), state.sizeBytes(), generation));
            lastRun.joinInto(open);
            MappedFile inFlight = live.createInFlight(incarnation);
            opened.push(inFlight::close);
            log.append(events(state, generation, now, verdict));
            open = resized(log, open);
            boolean wasDetached = records.getLast().event() instanceof DriveEvent.DriveDetached;
            return attached(log, open, inFlight, verdict.arrival(), wasDetached);
        }
    }

    private LiveSet created(MarkFileHeader header) throws IOException {
        LiveSet set = live.create(header);
        opened.push(set::close);
        return set;
    }

    private Attached attached(DriveLog log, LiveSet open, MappedFile inFlight, Arrival arrival, boolean wasDetached)
            throws IOException {
        live.deleteAllBut(incarnation);
        kept.dropAllBut(log.state().generations().keySet());
        AcknowledgedControl acknowledged = AcknowledgedControl.open(
                stateDirectory.resolve(log.state().journal() + ".published"),
                log.state().control());
        return new Attached(log, kept, live, open, inFlight, acknowledged, arrival, wasDetached);
    }

    private MarkFileHeader header(JournalId journal, long number, long sizeBytes, Generation like) {
        return new MarkFileHeader(journal, incarnation, surroundings.boot(), number, like.granularity(), sizeBytes);
    }

    private List<DriveEvent> events(DriveState state, Generation open, ImageIdentity now, Evidence.Verdict verdict) {
        List<DriveEvent> events = new ArrayList<>();
        events.add(new DriveEvent.DriveAttached(
                state.journal(),
                Optional.of(state.line().getLast()),
                open.number(),
                open.granularity(),
                state.sizeBytes(),
                now,
                verdict.arrival()));
        // The attach itself makes them so; this says why to whoever asks for a backup.
        verdict.doubt()
                .ifPresent(doubt -> state.bitmaps()
                        .keySet()
                        .forEach(name -> events.add(new DriveEvent.BitmapMarkedInconsistent(name, doubt))));
        for (UndecidedBackup backup : state.undecided().values()) {
            if (backup.phase() == UndecidedBackup.Phase.RUNNING) {
                // I3: its snapshot is gone with the process; the bits go back.
                events.add(new DriveEvent.BackupConcluded(
                        backup.mark().key(),
                        new Conclusion.Failed("the agent was restarted, and the point in time was lost with it")));
            }
        }
        return events;
    }

    /** The open set, or its follower when the image has another size than the log says. */
    private LiveSet resized(DriveLog log, LiveSet open) throws IOException {
        long sizeBytes = image.backend().sizeBytes();
        DriveState state = log.state();
        if (sizeBytes == state.sizeBytes()) {
            return open;
        }
        Generation generation = state.open();
        kept.keep(open.header(), open.marks());
        LiveSet next = created(header(state.journal(), generation.number() + 1, sizeBytes, generation));
        log.append(List.of(
                new DriveEvent.GenerationSealed(
                        generation.number(),
                        open.marks().dirtyBytes(),
                        open.marks().digest(),
                        generation.granularity()),
                new DriveEvent.DriveResized(sizeBytes)));
        open.delete();
        return next;
    }
}
