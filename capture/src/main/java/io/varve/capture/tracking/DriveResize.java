package io.varve.capture.tracking;

import io.varve.core.cut.Hold;
import io.varve.core.drive.Arrival;
import io.varve.core.drive.DriveState;
import io.varve.core.drive.Generation;
import io.varve.core.drive.NewArea;
import io.varve.core.event.DriveEvent;
import io.varve.core.id.DriveId;
import java.io.IOException;
import java.util.List;
import java.util.Optional;
import java.util.TreeMap;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Gives a drive another size: its open generation is sealed, and the next one has that size (design.md section 1).
 *
 * <pre>
 *   grow     the image grows → the swap → the journal → writes are admitted up to the new end
 *   shrink   writes are admitted up to the new end → the lost range is marked → the swap →
 *            the writes before it have ended → the image shrinks → the journal
 * </pre>
 *
 * <p>The lost range is in the sealed generation, whose size is the old one: should the drive grow again, its zeroes are
 * in the next increment, and don't let the parent's data through. What fails is undone. A kill on the way leaves an
 * image of another size than the log says, so the next attach finds the bitmaps inconsistent.
 *
 * <p>Thread: the agent's control lock.
 */
final class DriveResize {
    private static final Logger LOG = LoggerFactory.getLogger(DriveResize.class);
    private static final int SECTOR_BYTES = 512;
    private static final long WRITES_SECONDS_MAX = 30;

    private final AttachedDrive drive;
    private final AgentMeans means;
    private final long oldBytes;
    private final long newBytes;
    private final LiveSet open;
    private final LiveSet next;
    private boolean imageChanged;

    private DriveResize(AttachedDrive drive, long newBytes, AgentMeans means) throws IOException {
        this.drive = drive;
        this.means = means;
        this.newBytes = newBytes;
        DriveState state = drive.state();
        this.oldBytes = state.sizeBytes();
        this.open = drive.path().open();
        this.next = drive.live()
                .create(new MarkFileHeader(
                        state.journal(),
                        drive.log().incarnation(),
                        open.header().boot(),
                        state.open().number() + 1,
                        state.trackingGranularity(),
                        newBytes));
    }

    /** Why the drive can't get this size now, if so. */
    static Optional<String> objection(AttachedDrive drive, long sizeBytes) {
        if (sizeBytes <= 0) {
            return Optional.of("Parameter 'size' expects a >0 size");
        }
        if (sizeBytes % SECTOR_BYTES != 0) {
            return Optional.of("The new size must be a multiple of " + SECTOR_BYTES);
        }
        if (drive.incoming().isIncoming()) {
            return Optional.of("Node '" + drive.image().drive() + "' is busy: its bitmaps are still coming from the "
                    + "agent that handed it over");
        }
        return !drive.backups().isEmpty()
                ? Optional.of(
                        "Node '" + drive.image().drive() + "' is busy: block device is in use by block job: backup")
                : Optional.empty();
    }

    /** @throws IOException in one sentence; the drive is as it was then */
    static void run(AttachedDrive drive, long sizeBytes, AgentMeans means) throws IOException {
        if (sizeBytes != drive.state().sizeBytes()) {
            new DriveResize(drive, sizeBytes, means).run();
        }
    }

    private void run() throws IOException {
        try {
            NewArea area = newBytes > oldBytes ? grow() : shrink();
            drive.kept().keep(open.header(), open.marks());
            drive.keepLost();
            if (newBytes > oldBytes) {
                // The new area's marks are no write's, so no log of the hot regions tells of them.
                long _ = drive.unsealed().makeDurable();
            }
            drive.append(events(area));
        } catch (IOException | RuntimeException e) {
            undo(e);
            throw e;
        }
        drive.path().admitUpTo(newBytes);
        drive.unsealed().sealed(open);
        deleteQuietly(open);
        drive.tidy();
    }

    private NewArea grow() throws IOException {
        boolean isZero = resizeImage();
        if (!isZero) {
            next.marks().mark(oldBytes, newBytes - oldBytes);
        }
        Epoch _ = cut();
        return isZero ? NewArea.ZEROES : NewArea.MARKED;
    }

    private NewArea shrink() throws IOException {
        drive.path().gate().hold();
        try {
            drive.path().admitUpTo(newBytes);
        } finally {
            drive.path().gate().letGo();
        }
        // I2; reliability 6.12
        open.marks().mark(newBytes, oldBytes - newBytes);
        await(cut());
        boolean _ = resizeImage();
        return NewArea.MARKED;
    }

    private boolean resizeImage() throws IOException {
        // Noted as a write, which its file's times will be compared with.
        drive.path().flushes();
        boolean isZero = drive.image().backend().resize(newBytes);
        imageChanged = true;
        // The image may have been opened again for it.
        drive.stored().load(Arrival.CLEAN, false);
        drive.path().flushes();
        return isZero;
    }

    /** The writes before it. */
    private Epoch cut() throws IOException {
        Epoch after = drive.path().nextEpoch();
        TreeMap<DriveId, Gate> gates = new TreeMap<>();
        gates.put(drive.image().drive(), drive.path().gate());
        WritePath.Cut[] cut = new WritePath.Cut[1];
        Hold hold = new GroupHold(gates, means.surroundings().nanos())
                .run(() -> cut[0] = drive.path().cut(next, after, List.of()));
        if (hold instanceof Hold.GivenUp(String reason)) {
            throw new IOException(reason);
        }
        return cut[0].before();
    }

    private void await(Epoch before) throws IOException {
        try {
            before.ended().get(WRITES_SECONDS_MAX, TimeUnit.SECONDS);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new IOException("interrupted while drive '" + drive.image().drive() + "' was made smaller", e);
        } catch (ExecutionException | TimeoutException e) {
            throw new IOException(
                    "drive '" + drive.image().drive() + "' can't be made smaller: writes are still in flight after "
                            + WRITES_SECONDS_MAX + " s",
                    e);
        }
    }

    private List<DriveEvent> events(NewArea area) {
        Generation generation = drive.state().open();
        return List.of(
                new DriveEvent.GenerationSealed(
                        generation.number(),
                        open.marks().dirtyBytes(),
                        open.marks().digest(),
                        next.header().granularity()),
                new DriveEvent.DriveResized(newBytes, area));
    }

    /** The open generation goes on, with all that was marked since (I3). */
    private void undo(Exception failure) {
        if (imageChanged) {
            try {
                boolean _ = drive.image().backend().resize(oldBytes);
                drive.stored().load(Arrival.CLEAN, false);
            } catch (IOException e) {
                LOG.error(
                        "drive '{}': its image can't be made {} bytes long again, so its bitmaps will be inconsistent"
                                + " when it's attached again: {}",
                        drive.image().drive(),
                        oldBytes,
                        e.toString());
                failure.addSuppressed(e);
            }
        }
        if (drive.path().open() != open) {
            drive.path().gate().hold();
            try {
                drive.path().restore(open);
            } finally {
                drive.path().gate().letGo();
            }
        }
        drive.path().admitUpTo(oldBytes);
        drive.unsealed().forget(next);
        try {
            drive.kept().unkeep(drive.state().open().number());
        } catch (IOException e) {
            failure.addSuppressed(e);
        }
        deleteQuietly(next);
    }

    /** Its name is taken by nobody else, and goes with the next attach at the latest. */
    private void deleteQuietly(LiveSet set) {
        try {
            set.delete();
        } catch (IOException e) {
            LOG.warn(
                    "drive '{}': a live set that is done with can't be removed: {}",
                    drive.image().drive(),
                    e.toString());
        }
    }
}
