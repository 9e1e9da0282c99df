package io.varve.capture.tracking;

import io.varve.capture.activity.Activity;
import io.varve.capture.activity.ActivityFile;
import io.varve.capture.activity.ActivityLog;
import io.varve.capture.backend.Backend;
import io.varve.capture.backend.BackendAccess;
import io.varve.capture.nbd.BackendExport;
import io.varve.capture.nbd.Export;
import io.varve.capture.nbd.ExportRegistry;
import io.varve.core.bits.Granularity;
import io.varve.core.bits.Marks;
import io.varve.core.commit.AgentStep;
import io.varve.core.cut.InFlightTable;
import io.varve.core.drive.BackupTarget;
import io.varve.core.drive.Bitmap;
import io.varve.core.drive.BitmapStatus;
import io.varve.core.drive.Doubt;
import io.varve.core.drive.DriveState;
import io.varve.core.drive.FullCause;
import io.varve.core.drive.Generation;
import io.varve.core.drive.ImageIdentity;
import io.varve.core.drive.UndecidedBackup;
import io.varve.core.event.DriveEvent;
import io.varve.core.fold.Effect;
import io.varve.core.handover.Release;
import java.io.IOException;
import java.nio.file.Files;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.SortedSet;
import java.util.TreeSet;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.locks.Lock;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** One drive of an agent: its log, its marks, its write path, its backups. Thread: the agent's control lock. */
final class AttachedDrive {
    private static final Logger LOG = LoggerFactory.getLogger(AttachedDrive.class);
    private static final long DETACH_SECONDS_MAX = 30;

    private final DriveImage image;
    private final ExportRegistry exports;
    private final DriveLog log;
    private final KeptMarks kept;
    private final LiveDirectory live;
    private final MappedFile inFlight;
    private final AcknowledgedControl acknowledged;
    private final WritePath path;
    private final LostWritesFile lost;
    private final UnsealedMarks unsealed;
    private final Optional<ActivityLog> activity;
    private final DriveFeed feed;
    private final Export export;
    private final LiveContexts contexts;
    private final FileBitmaps stored;
    private final BitmapUses uses = new BitmapUses();
    private final DriveBackups backups;
    private final IncomingMarks incoming;
    private Optional<String> handedTo = Optional.empty();
    private boolean offered;

    private AttachedDrive(
            DriveImage image, Attachment.Attached attached, AgentMeans means, Lock control, Runnable changed) {
        this.image = image;
        this.exports = means.surroundings().exports();
        this.log = attached.log();
        this.kept = attached.kept();
        this.live = attached.live();
        this.inFlight = attached.inFlight();
        this.acknowledged = attached.acknowledged();
        this.path = new WritePath(
                means.threads().clock(),
                means.surroundings().nanos(),
                new InFlightTable(inFlight.segment(), AgentOptions.IN_FLIGHT_MAX),
                attached.open());
        this.lost = attached.lost();
        path.inherit(lost);
        this.unsealed = new UnsealedMarks(kept, attached.open());
        this.activity = attached.activity().map(logged -> activityLog(logged, means));
        Activity asked = activity.<Activity>map(log -> log).orElse(Activity.NONE);
        path.logTo(asked, unsealed::opened);
        this.feed = new DriveFeed(control, changed, this, acknowledged);
        this.contexts = new LiveContexts(this, control);
        this.stored = new FileBitmaps(this, means);
        this.incoming = new IncomingMarks(this);
        this.backups = new DriveBackups(this, exports);
        this.export = new TrackedDrive(
                image.backend(),
                new BackendExport(
                        image.backend(),
                        BackendAccess.READ_WRITE,
                        means.threads().flushes()),
                path,
                new TrackedDrive.Surroundings(contexts, asked, means.threads().waitingWrites()));
    }

    private ActivityLog activityLog(Attachment.Logged logged, AgentMeans means) {
        return new ActivityLog(
                image.drive().value(),
                means.options().activity().hotRegionsMax(),
                logged.leaseMillis(),
                new ActivityLog.Parts(
                        logged.file(),
                        path::regionsInFlight,
                        unsealed,
                        means.threads().flushes(),
                        means.threads().clock()));
    }

    /** Attaches. */
    static AttachedDrive attach(DriveImage image, AgentMeans means, Lock control, Runnable changed) throws IOException {
        Attachment.Attached attached = Attachment.of(means.options(), means.surroundings(), image);
        AttachedDrive drive = new AttachedDrive(image, attached, means, control, changed);
        try {
            drive.stored.load(attached.arrival(), attached.wasDetached());
            drive.incoming.look();
            return drive;
        } catch (IOException | RuntimeException | Error e) {
            drive.abandon(e);
            throw e;
        }
    }

    /** Makes durable which writes have an unknown outcome; before a cut's record, so that no cut forgets one. */
    void keepLost() throws IOException {
        path.keepLost();
    }

    /** Closes, and removes nothing: the next attach finds it as after a kill. */
    void abandon(Throwable failure) {
        lost.close();
        feed.close();
        contexts.close();
        try (kept;
                acknowledged;
                log;
                unsealed) {
            endActivity();
            path.open().close();
            inFlight.close();
        } catch (IOException e) {
            failure.addSuppressed(e);
        }
    }

    /** Offers the drive's export under the drive's name. */
    void offer() {
        exports.add(image.drive().value(), export, "drive " + image.drive() + ", tracked by Varve");
        offered = true;
    }

    /** What guests write to. */
    Export export() {
        return export;
    }

    DriveImage image() {
        return image;
    }

    DriveLog log() {
        return log;
    }

    DriveState state() {
        return log.state();
    }

    WritePath path() {
        return path;
    }

    KeptMarks kept() {
        return kept;
    }

    LiveDirectory live() {
        return live;
    }

    /** The live sets that aren't durably sealed. */
    UnsealedMarks unsealed() {
        return unsealed;
    }

    DriveFeed feed() {
        return feed;
    }

    /** Its persistent bitmaps in the image itself. */
    FileBitmaps stored() {
        return stored;
    }

    /** What another agent still has of its marks. */
    IncomingMarks incoming() {
        return incoming;
    }

    /** When it's detached, the drive goes to another agent, which {@code to} tells people of; or it doesn't. */
    void handOverTo(Optional<String> to) {
        handedTo = to;
    }

    /** Who uses its bitmaps but backups. */
    BitmapUses uses() {
        return uses;
    }

    DriveBackups backups() {
        return backups;
    }

    /**
     * Appends, folds, and forgets what nobody refers to any more; it's durable, and can't fail any more, after that.
     */
    void append(List<DriveEvent> events) throws IOException {
        forget(log.append(events));
    }

    /** Forgets what {@code effects} drop, but for what was taken back since. */
    void forget(List<Effect> effects) {
        for (Effect effect : effects) {
            if (effect instanceof Effect.Drop(long generation)
                    && !state().generations().containsKey(generation)) {
                kept.drop(generation);
                feed.forget(generation);
            }
        }
    }

    /** Merges and compacts what has become too much; what fails is tried again the next time. */
    // I10
    void tidy() {
        try {
            if (log.isLong()
                    && !incoming.isIncoming()
                    && acknowledged.control() == state().control()
                    && !isArchiving()) {
                log.compact();
            }
            if (!incoming.isIncoming()) {
                Coalescing.run(this);
            }
        } catch (IOException e) {
            LOG.warn("drive '{}' keeps more than it needs until this works: {}", image.drive(), e.toString());
        }
    }

    /** A reader that knows only a checkpoint couldn't offer the part of a backup that runs. */
    private boolean isArchiving() {
        return state().undecided().values().stream()
                .anyMatch(u ->
                        u.phase() == UndecidedBackup.Phase.RUNNING && u.mark().target() == BackupTarget.ARCHIVE);
    }

    /** The marks of a generation of the state, which change while it's the open one. */
    Marks marks(long generation) throws IOException {
        return generation == state().open().number() ? path.open().marks() : kept.marks(generation);
    }

    /** The union of {@code generations}, at {@code granularity}. */
    Marks union(SortedSet<Long> generations, Granularity granularity) throws IOException {
        Marks union = Marks.none(granularity, state().sizeBytes());
        for (long generation : generations) {
            union.union(marks(generation));
        }
        return union;
    }

    /** The union of the marks that there are of a generation and of those that opened after it. */
    Marks writtenSince(long generation, Granularity granularity) throws IOException {
        return union(new TreeSet<>(state().generations().tailMap(generation).keySet()), granularity);
    }

    /** What the bitmap counts as dirty; 0 of an inconsistent one, and what has come of an incoming one. */
    long dirtyBytes(Bitmap bitmap) throws IOException {
        return bitmap.status() instanceof BitmapStatus.Inconsistent
                ? 0
                : union(incoming.present(bitmap.generations()), bitmap.granularity())
                        .dirtyBytes();
    }

    /**
     * Marks those bitmaps inconsistent that hold one of these generations and aren't yet. A digest that differs is
     * believed only of what was published again whole: what was said of it before that may be out of date.
     *
     * @return whether the doubt is believed
     */
    boolean distrust(AgentStep.Distrust distrust) throws IOException {
        Doubt doubt = distrust.doubt();
        Set<Long> generations = distrust.otherwise().generations();
        boolean isOfDigest = doubt.cause() == FullCause.DIGEST_DIFFERS;
        if (isOfDigest && !feed.areWanting(generations, distrust.otherwise().fromControl())) {
            return false;
        }
        List<DriveEvent> events = state().bitmaps().values().stream()
                .filter(bitmap -> !(bitmap.status() instanceof BitmapStatus.Inconsistent)
                        && bitmap.allGenerations().stream().anyMatch(generations::contains))
                .<DriveEvent>map(bitmap -> new DriveEvent.BitmapMarkedInconsistent(bitmap.name(), doubt))
                .toList();
        if (!events.isEmpty()) {
            LOG.error("drive '{}': bitmaps are inconsistent from now on: {}", image.drive(), doubt.reason());
            append(events);
        }
        return true;
    }

    /**
     * Gives the drive up in order: running backups are cancelled, its bits are kept, its image is known again.
     *
     * @throws IOException when it couldn't be done in order; it's given up then, too, and is recovered when attached
     */
    void detach() throws IOException {
        if (offered) {
            exports.remove(image.drive().value());
        }
        contexts.close();
        feed.close();
        Backend backend = image.backend();
        try (backend;
                kept;
                acknowledged;
                log;
                unsealed) {
            leave();
        } finally {
            lost.close();
            endActivity();
            backups.release();
        }
    }

    private void leave() throws IOException {
        backups.cancel();
        awaitWrites();
        // It changes the image's times: before these are taken down.
        stored.store();
        image.backend().undisturbed().flush();
        endActivity();
        LiveSet open = path.open();
        image.forceTimes();
        ImageIdentity left = ImageIdentities.of(image);
        if (handedTo.isPresent()) {
            kept.keep(open.header(), open.marks());
            Generation.Seal seal =
                    new Generation.Seal(open.marks().dirtyBytes(), open.marks().digest());
            append(Release.events(state(), seal, left, handedTo.get()));
        } else {
            kept.keepOpen(open.header(), open.marks());
            append(List.of(new DriveEvent.DriveDetached(left)));
        }
        if (image.backend().isRemote() && !path.lost().isEmpty()) {
            LOG.warn(
                    "drive '{}' is given up with writes whose outcome nobody knows, in {}: restart the server that has "
                            + "its image before an agent attaches to it again",
                    image.drive(),
                    path.lost().extents());
        }
        // No write is in flight, and none is admitted.
        open.close();
        inFlight.close();
        live.deleteAll();
        lost.end();
        Files.deleteIfExists(kept.directory().resolve(ActivityFile.NAME));
    }

    private void endActivity() throws IOException {
        if (activity.isPresent()) {
            activity.get().close();
        }
    }

    private void awaitWrites() throws IOException {
        try {
            path.gate().hold();
            CompletableFuture<Void> ended = path.close();
            path.gate().letGo();
            ended.get(DETACH_SECONDS_MAX, TimeUnit.SECONDS);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new IOException("drive '" + image.drive() + "': interrupted while detaching", e);
        } catch (ExecutionException | TimeoutException e) {
            throw new IOException(
                    "drive '" + image.drive() + "' can't be detached in order: writes are still in flight after "
                            + DETACH_SECONDS_MAX + " s",
                    e);
        }
    }
}
