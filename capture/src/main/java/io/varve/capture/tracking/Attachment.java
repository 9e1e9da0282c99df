package io.varve.capture.tracking;

import io.varve.capture.activity.ActivityFile;
import io.varve.capture.activity.ActivityLog;
import io.varve.capture.activity.ActivityOptions;
import io.varve.capture.activity.ActivityRecord;
import io.varve.capture.journal.CorruptJournalException;
import io.varve.capture.journal.DurableFiles;
import io.varve.capture.journal.Journal;
import io.varve.core.bits.Extent;
import io.varve.core.bits.Granularity;
import io.varve.core.drive.Arrival;
import io.varve.core.drive.Conclusion;
import io.varve.core.drive.DriveState;
import io.varve.core.drive.Generation;
import io.varve.core.drive.ImageIdentity;
import io.varve.core.drive.UndecidedBackup;
import io.varve.core.event.DriveEvent;
import io.varve.core.event.LogRecord;
import io.varve.core.handover.Release;
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
    static final String JOURNAL = "journal";

    private final AgentSurroundings surroundings;
    private final DriveImage image;
    private final Path stateDirectory;
    private final KeptMarks kept;
    private final LiveDirectory live;
    private final ActivityOptions activity;
    private final IncarnationId incarnation;
    private final Deque<Closing> opened = new ArrayDeque<>();

    private interface Closing {
        void close() throws IOException;
    }

    /**
     * What an attachment comes to.
     *
     * @param activity the file of the activity log, and its record's lease; empty without one
     * @param lost writes of earlier runs that may reach the image yet, which are marked in {@code open}
     * @param wasDetached whether the last run ended in order
     */
    record Attached(
            DriveLog log,
            KeptMarks kept,
            LiveDirectory live,
            LiveSet open,
            MappedFile inFlight,
            Optional<Logged> activity,
            LostWritesFile lost,
            AcknowledgedControl acknowledged,
            Arrival arrival,
            boolean wasDetached) {}

    /** An activity log's file that no write has passed yet. */
    record Logged(ActivityFile file, long leaseMillis) {}

    private Attachment(AgentOptions options, AgentSurroundings surroundings, DriveImage image) throws IOException {
        String name = image.drive().value();
        this.surroundings = surroundings;
        this.image = image;
        this.activity = options.activity();
        this.stateDirectory =
                DurableFiles.createDirectory(options.stateDirectory().resolve(name));
        this.live = LiveDirectory.open(options.liveDirectory().resolve(name));
        this.kept = new KeptMarks(stateDirectory);
        this.incarnation = new IncarnationId(surroundings.randomId());
    }

    /** Whether a journal of such a drive is there. */
    static boolean exists(AgentOptions options, DriveId drive) {
        return Files.exists(options.stateDirectory().resolve(drive.value()).resolve(JOURNAL));
    }

    /** @throws IOException in one sentence; then nothing is open, and another try finds what this one found */
    static Attached of(AgentOptions options, AgentSurroundings surroundings, DriveImage image) throws IOException {
        Attachment attachment = new Attachment(options, surroundings, image);
        try {
            return attachment.attach();
        } catch (IOException | RuntimeException | Error e) {
            attachment.abandon(e);
            throw e;
        }
    }

    /** Closes, and removes nothing: the marks of the last run may have come over into this one already. */
    private void abandon(Throwable failure) {
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
        image.forceTimes();
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
                .filter(s -> s.control() == last && s.journal().equals(journal.id()))
                .orElseThrow(
                        () -> new CorruptJournalException("'" + file + "' doesn't hold all records up to its last, "
                                + last + ": move it away, and take a full backup of the drive"));
        Optional<TakenOver> taken = Optional.empty();
        if (Release.of(records).isPresent()) {
            taken = Optional.of(TakenOver.of(stateDirectory, records.getLast()));
        }
        return inherit(new Left(journal, state, records, taken), now);
    }

    private Attached fresh(Path file, ImageIdentity now) throws IOException {
        JournalId id = new JournalId(surroundings.randomId());
        long sizeBytes = image.backend().sizeBytes();
        kept.dropAllBut(Set.of());
        LiveSet open =
                created(new MarkFileHeader(id, incarnation, surroundings.boot(), 1, Granularity.DEFAULT, sizeBytes));
        MappedFile inFlight = live.createInFlight(incarnation);
        opened.push(inFlight::close);
        // What was on its way to another server may come there yet, whatever journal is begun here.
        List<Extent> known = image.backend().isRemote() ? LostWritesFile.read(stateDirectory) : List.of();
        LostWritesFile lost = LostWritesFile.of(stateDirectory, known);
        Optional<Logged> logged = log(id, Optional.empty(), 0);
        Journal journal = Journal.create(file, id);
        opened.push(journal::close);
        DriveLog log = DriveLog.begin(
                image.drive(),
                incarnation,
                journal,
                new DriveEvent.DriveAttached(
                        id, Optional.empty(), 1, Granularity.DEFAULT, sizeBytes, now, Arrival.FRESH));
        return attached(new Attached(log, kept, live, open, inFlight, logged, lost, known(log), Arrival.FRESH, false));
    }

    /**
     * What the last run left in the journal.
     *
     * @param taken how the drive came from another agent, if it did and nothing was written down since
     */
    private record Left(Journal journal, DriveState state, List<LogRecord> records, Optional<TakenOver> taken) {}

    private Attached inherit(Left left, ImageIdentity now) throws IOException {
        Journal journal = left.journal();
        DriveState state = left.state();
        List<LogRecord> records = left.records();
        DriveLog log = DriveLog.resume(image.drive(), incarnation, journal, state);
        try (LastRun lastRun = LastRun.of(state, records, kept, live)) {
            Evidence evidence = left.taken().isPresent()
                    ? left.taken().get().evidence(image, state, now)
                    : lastRun.evidence(image, now, surroundings.boot());
            Evidence.Verdict verdict = evidence.verdict();
            if (left.taken().isPresent() && verdict.doubt().isPresent()) {
                throw new IOException("drive '" + image.drive() + "' can't be taken over: "
                        + verdict.doubt().get().reason()
                        + "; bring the image that was handed over, or take the drive back "
                        + "where it came from");
            }
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
            LostWritesFile lost = LostWritesFile.of(stateDirectory, lastRun.lostWrites(image));
            lost.kept().forEach(open.marks()::mark);
            MappedFile inFlight = live.createInFlight(incarnation);
            opened.push(inFlight::close);
            if (activity.enabled()) {
                // What the log of the last run names is durable before this one's takes its place.
                kept.keepOpen(open.header(), open.marks());
            }
            Optional<Logged> logged = log(journal.id(), Optional.of(state.line().getLast()), generation.number());
            log.append(events(state, generation, now, verdict));
            open = resized(log, open);
            lost.kept().forEach(open.marks()::mark);
            left.taken().ifPresent(TakenOver::settle);
            boolean wasDetached = records.getLast().event() instanceof DriveEvent.DriveDetached;
            return attached(new Attached(
                    log, kept, live, open, inFlight, logged, lost, known(log), verdict.arrival(), wasDetached));
        }
    }

    private LiveSet created(MarkFileHeader header) throws IOException {
        LiveSet set = live.create(header);
        opened.push(set::close);
        return set;
    }

    /** An activity log for this incarnation's writes, in the place of the last run's. */
    private Optional<Logged> log(JournalId journal, Optional<IncarnationId> before, long marksGeneration)
            throws IOException {
        if (!activity.enabled()) {
            ActivityFile.remove(stateDirectory);
            return Optional.empty();
        }
        long leaseMillis = ActivityLog.lease(surroundings.clock());
        ActivityFile file = ActivityFile.create(
                stateDirectory,
                new ActivityFile.Owner(journal, incarnation, before),
                activity.hotRegionsMax(),
                new ActivityRecord(1, marksGeneration, leaseMillis, List.of()));
        opened.push(file::close);
        return Optional.of(new Logged(file, leaseMillis));
    }

    private AcknowledgedControl known(DriveLog log) throws IOException {
        return AcknowledgedControl.open(
                stateDirectory.resolve(log.state().journal() + ".published"),
                log.state().control());
    }

    private Attached attached(Attached attached) throws IOException {
        live.deleteAllBut(incarnation);
        kept.dropAllBut(attached.log().state().generations().keySet());
        return attached;
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
