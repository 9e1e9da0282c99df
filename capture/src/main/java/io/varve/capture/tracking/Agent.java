package io.varve.capture.tracking;

import io.varve.capture.nbd.Export;
import io.varve.capture.snapshot.CopyBuffers;
import io.varve.capture.snapshot.Fleece;
import io.varve.core.bits.Marks;
import io.varve.core.drive.BackupKey;
import io.varve.core.drive.Completion;
import io.varve.core.drive.Conclusion;
import io.varve.core.drive.DriveState;
import io.varve.core.id.DriveId;
import io.varve.core.id.SyncPointId;
import io.varve.core.transaction.Action;
import io.varve.core.transaction.Plan;
import io.varve.core.transaction.Transaction;
import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.channels.OverlappingFileLockException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.Executor;
import java.util.concurrent.locks.ReentrantLock;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The drives of one capture agent, and everything that may be done to them but writing, which goes through their
 * exports.
 *
 * <p>Thread: safe for any thread that isn't interrupted. One control operation runs at a time; guests' writes don't
 * wait for it, but for the hold of a cut.
 */
public final class Agent implements AutoCloseable {
    private static final Logger LOG = LoggerFactory.getLogger(Agent.class);
    static final String LOCK = "agent.lock";

    private final AgentMeans means;
    private final FileChannel lockFile;
    private final ReentrantLock control = new ReentrantLock();
    private final SortedMap<DriveId, AttachedDrive> drives = new TreeMap<>();
    private final List<Runnable> listeners = new CopyOnWriteArrayList<>();
    private final List<BackupObserver> observers = new CopyOnWriteArrayList<>();
    private final AgentBitmaps bitmaps = new AgentBitmaps(control, drives);
    private final AgentReconciliations reconciliations;
    private final Handovers handovers;
    private volatile SortedMap<DriveId, AttachedDrive> published = new TreeMap<>();

    private Agent(AgentMeans means, FileChannel lockFile) {
        this.means = means;
        this.reconciliations = new AgentReconciliations(control, drives, means, this::tell, this::newSyncPointId);
        this.lockFile = lockFile;
        this.handovers = new Handovers(control, drives, means, this::tell);
    }

    /**
     * An agent without drives, which owns the state directory until it's closed.
     *
     * @throws IOException in one sentence: the directories can't be had, or another agent has them
     */
    public static Agent open(AgentOptions options, AgentSurroundings surroundings) throws IOException {
        Files.createDirectories(options.stateDirectory());
        Files.createDirectories(options.fleeceDirectory());
        FileChannel lockFile = lock(options.stateDirectory());
        Fleece.removeLeft(options.fleeceDirectory());
        return new Agent(
                new AgentMeans(options, surroundings, AgentThreads.start(surroundings.clock()), new CopyBuffers()),
                lockFile);
    }

    /**
     * Attaches to a drive, takes over what an earlier run knew of it, and offers its export.
     *
     * @throws IOException in one sentence; the backend stays open then
     */
    public void attach(DriveImage image) throws IOException {
        if (means.surroundings().exports().find(image.drive().value()).isPresent()) {
            throw new IOException("an export named '" + image.drive() + "' exists already: name the drive otherwise");
        }
        add(image).offer();
        tell();
    }

    /**
     * As {@link #attach}, but whoever calls offers the export that this returns, if anybody.
     *
     * @throws IOException in one sentence; the backend stays open then
     */
    public Export track(DriveImage image) throws IOException {
        Export export = add(image).export();
        tell();
        return export;
    }

    private AttachedDrive add(DriveImage image) throws IOException {
        control.lock();
        try {
            if (drives.containsKey(image.drive())) {
                throw new IOException("drive '" + image.drive() + "' is attached already");
            }
            AttachedDrive drive = AttachedDrive.attach(image, means, control, this::tell);
            drives.put(image.drive(), drive);
            published = new TreeMap<>(drives);
            return drive;
        } finally {
            control.unlock();
        }
    }

    /** Whether an earlier run left something that is known of a drive of this name. */
    public boolean knew(DriveId drive) {
        return Attachment.exists(means.options(), drive);
    }

    /**
     * Gives one drive up in order, and closes its backend; bitmaps that aren't persistent are gone. Does nothing when
     * it isn't attached.
     *
     * @throws IOException as {@link #close}
     */
    public void detach(DriveId drive) throws IOException {
        control.lock();
        try {
            AttachedDrive attached = drives.remove(drive);
            published = new TreeMap<>(drives);
            if (attached != null) {
                attached.detach();
            }
        } finally {
            control.unlock();
        }
        tell();
    }

    /** Each drive's state now. */
    public SortedMap<DriveId, DriveState> states() {
        SortedMap<DriveId, DriveState> states = new TreeMap<>();
        published.forEach((id, drive) -> states.put(id, drive.state()));
        return states;
    }

    /** One drive's state now; empty when it isn't attached. */
    public Optional<DriveState> state(DriveId drive) {
        return Optional.ofNullable(published.get(drive)).map(AttachedDrive::state);
    }

    /** A new name for a sync point. */
    public SyncPointId newSyncPointId() {
        return SyncPointIds.next(
                means.surroundings().clock(), means.surroundings().random());
    }

    /** What makes bitmaps right again that can't be trusted. */
    public AgentReconciliations reconciliations() {
        return reconciliations;
    }

    /** What its drives' bitmaps hold, and who uses them. */
    public AgentBitmaps bitmaps() {
        return bitmaps;
    }

    /** How its drives go to other agents, and come from them. */
    public Handovers handovers() {
        return handovers;
    }

    /** What is to be published of a drive. */
    public Optional<DriveFeed> feed(DriveId drive) {
        return Optional.ofNullable(published.get(drive)).map(AttachedDrive::feed);
    }

    /** A backup that runs. */
    public Optional<StartedBackup> running(DriveId drive, BackupKey key) {
        control.lock();
        try {
            return Optional.ofNullable(drives.get(drive))
                    .flatMap(d -> d.backups().running(key));
        } finally {
            control.unlock();
        }
    }

    /** Has {@code listener} called, quickly, whenever there may be something new to publish. */
    public void listen(Runnable listener) {
        listeners.add(listener);
    }

    /** Has {@code observer} told of every backup that {@link #conclude} ends from now on. */
    public void observe(BackupObserver observer) {
        observers.add(observer);
    }

    /** Why {@link #transact} would refuse these actions now, before it asks for means; empty when it wouldn't. */
    public Optional<String> objection(List<Action> actions, Completion completion, SyncPointId syncPoint) {
        return plan(actions, completion, syncPoint) instanceof Plan.Refused(String description)
                ? Optional.of(description)
                : Optional.empty();
    }

    private Plan plan(List<Action> actions, Completion completion, SyncPointId syncPoint) {
        control.lock();
        try {
            concludeOwed();
            return Transaction.plan(states(), actions, completion, syncPoint, new AgentRules(drives));
        } finally {
            control.unlock();
        }
    }

    /** Carries out all of {@code actions}, at one instant of all drives concerned, or none. */
    public Transacted transact(List<Action> actions, Completion completion, SyncPointId syncPoint) {
        control.lock();
        try {
            return switch (plan(actions, completion, syncPoint)) {
                case Plan.Refused(String description) -> new Transacted.Refused(description);
                case Plan.Planned planned when planned.drives().isEmpty() -> new Transacted.Done(List.of());
                case Plan.Planned planned -> {
                    Transacted transacted = new TransactionRun(this::drive, means).run(planned);
                    planned.drives().stream()
                            .flatMap(part -> Optional.ofNullable(drives.get(part.drive())).stream())
                            .forEach(drive -> drive.stored().settle());
                    yield transacted;
                }
            };
        } finally {
            control.unlock();
            tell();
        }
    }

    /**
     * Gives a drive another size, at once for new connections; those that are open keep what they were told, but for
     * what lies beyond a new end. Refused while a backup of the drive runs.
     *
     * @return {@link Transacted.Done} without backups; where QEMU 7.2 refuses it, the words are its
     */
    public Transacted resize(DriveId drive, long sizeBytes) {
        control.lock();
        try {
            AttachedDrive attached = drives.get(drive);
            Optional<String> objection = attached == null
                    ? Optional.of("Cannot find device='" + drive + "' nor node-name='" + drive + "'")
                    : DriveResize.objection(attached, sizeBytes);
            if (attached == null || objection.isPresent()) {
                return new Transacted.Refused(objection.orElseThrow());
            }
            DriveResize.run(attached, sizeBytes, means);
            return new Transacted.Done(List.of());
        } catch (IOException e) {
            return new Transacted.Refused(String.valueOf(e.getMessage()));
        } finally {
            control.unlock();
            tell();
        }
    }

    /**
     * Tells how a backup ended: writes it to the drive's log, and lets its snapshot go. Does nothing when that's known.
     *
     * @throws IOException when the journal can't be written: the backup stays as it was
     */
    public void conclude(DriveId drive, BackupKey backup, Conclusion conclusion) throws IOException {
        conclude(drive, attached -> attached.backups().conclude(backup, conclusion), backup, conclusion);
    }

    /**
     * As the other, of a backup that failed or was cancelled: with bitmap-mode 'always' its bitmap keeps of the cut
     * only {@code uncopied}, at once with the end; all of it where that can't be written down.
     */
    public void conclude(DriveId drive, BackupKey backup, Conclusion conclusion, Marks uncopied) throws IOException {
        conclude(
                drive,
                attached -> attached.backups().conclude(backup, conclusion, uncopied, means),
                backup,
                conclusion);
    }

    /** Writes down how a backup ended, unless that's known. */
    private interface Ending {
        boolean of(AttachedDrive drive) throws IOException;
    }

    private void conclude(DriveId drive, Ending ending, BackupKey backup, Conclusion conclusion) throws IOException {
        control.lock();
        try {
            AttachedDrive attached = drives.get(drive);
            if (attached != null && concludes(attached, ending, backup, conclusion)) {
                observers.forEach(observer -> observer.concluded(drive, backup, conclusion));
            }
        } finally {
            control.unlock();
        }
        tell();
    }

    private static boolean concludes(AttachedDrive drive, Ending ending, BackupKey backup, Conclusion conclusion)
            throws IOException {
        try {
            return ending.of(drive);
        } catch (IOException e) {
            drive.backups().owe(backup, conclusion);
            throw e;
        }
    }

    /** Has bitmaps free again whose backups' ends the journal didn't take then, if it takes them now. */
    private void concludeOwed() {
        for (AttachedDrive drive : drives.values()) {
            for (Map.Entry<BackupKey, Conclusion> owed : drive.backups().owed().entrySet()) {
                try {
                    if (drive.backups().conclude(owed.getKey(), owed.getValue())) {
                        observers.forEach(
                                observer -> observer.concluded(drive.image().drive(), owed.getKey(), owed.getValue()));
                    }
                } catch (IOException e) {
                    LOG.warn("a backup's end still can't be written down: {}", e.getMessage());
                }
            }
        }
    }

    /** Gives all drives up in order, cancelling what runs; stop taking requests before. */
    @Override
    public void close() throws IOException {
        List<IOException> failures = new ArrayList<>();
        control.lock();
        try {
            for (AttachedDrive drive : drives.values()) {
                try {
                    drive.detach();
                } catch (IOException e) {
                    failures.add(e);
                } catch (RuntimeException e) {
                    failures.add(new IOException("drive '" + drive.image().drive() + "' can't be detached", e));
                }
            }
            drives.clear();
            published = new TreeMap<>();
        } finally {
            control.unlock();
        }
        // Their last tasks want the control lock.
        means.threads().close();
        lockFile.close();
        if (!failures.isEmpty()) {
            failures.subList(1, failures.size()).forEach(failures.getFirst()::addSuppressed);
            throw failures.getFirst();
        }
    }

    private AttachedDrive drive(DriveId id) throws IOException {
        AttachedDrive drive = drives.get(id);
        if (drive == null) {
            throw new IOException("drive '" + id + "' isn't attached");
        }
        return drive;
    }

    /** What the agent found around it. */
    public AgentSurroundings surroundings() {
        return means.surroundings();
    }

    /** Flushes images for exports that are no drive's yet; never interrupts its threads. */
    public Executor flushes() {
        return means.threads().flushes();
    }

    private void tell() {
        listeners.forEach(Runnable::run);
    }

    /** @throws IOException when an agent runs on that directory */
    static FileChannel lock(Path stateDirectory) throws IOException {
        Path file = stateDirectory.resolve(LOCK);
        FileChannel channel = FileChannel.open(file, StandardOpenOption.CREATE, StandardOpenOption.WRITE);
        try {
            if (channel.tryLock() != null) {
                return channel;
            }
        } catch (OverlappingFileLockException e) {
            // This process has it: the same answer.
        }
        channel.close();
        throw new IOException("another agent uses the state directory '" + stateDirectory
                + "': stop that one, or choose another directory");
    }
}
