package io.varve.capture.tracking;

import io.varve.core.bits.Digest;
import io.varve.core.bits.Granularity;
import io.varve.core.bits.Marks;
import io.varve.core.commit.AgentStep;
import io.varve.core.drive.Arrival;
import io.varve.core.drive.Bitmap;
import io.varve.core.drive.BitmapStatus;
import io.varve.core.id.BitmapName;
import io.varve.core.id.DriveId;
import java.io.IOException;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.locks.Lock;

/** What the bitmaps of an agent's drives hold, and who uses them. Thread: safe for any thread. */
public final class AgentBitmaps {
    private final Lock control;
    private final Map<DriveId, AttachedDrive> drives;

    AgentBitmaps(Lock control, Map<DriveId, AttachedDrive> drives) {
        this.control = control;
        this.drives = drives;
    }

    /** What is asked of a bitmap. */
    private interface Question<T> {
        T of(AttachedDrive drive, Bitmap bitmap) throws IOException;
    }

    private <T> Optional<T> ask(DriveId id, BitmapName name, Question<T> question) throws IOException {
        control.lock();
        try {
            AttachedDrive drive = drives.get(id);
            Optional<Bitmap> bitmap =
                    drive == null ? Optional.empty() : drive.state().bitmap(name);
            return drive == null || bitmap.isEmpty() ? Optional.empty() : Optional.of(question.of(drive, bitmap.get()));
        } finally {
            control.unlock();
        }
    }

    /** What a bitmap counts as dirty: while it's busy, its cut. Empty when there is no such bitmap. */
    public Optional<Long> dirtyBytes(DriveId drive, BitmapName name) throws IOException {
        return ask(drive, name, AttachedDrive::dirtyBytes);
    }

    /** What a bitmap holds now: while it's busy, its cut. Empty when there is no such bitmap. */
    public Optional<Marks> marks(DriveId drive, BitmapName name) throws IOException {
        return ask(drive, name, (attached, bitmap) -> attached.union(bitmap.generations(), bitmap.granularity()));
    }

    /** What a busy bitmap's successor counts as dirty. Empty when there is no such bitmap, or it isn't busy. */
    public Optional<Long> successorBytes(DriveId drive, BitmapName name) throws IOException {
        return ask(
                        drive,
                        name,
                        (attached, bitmap) -> bitmap.status() instanceof BitmapStatus.Busy busy
                                ? Optional.of(attached.union(busy.successor(), bitmap.granularity())
                                        .dirtyBytes())
                                : Optional.<Long>empty())
                .flatMap(bytes -> bytes);
    }

    /**
     * What was written since a generation opened, as far as there still are marks of it, in units of {@code wanted}.
     * Where marks are coarser, in theirs.
     */
    public long writtenBytes(DriveId id, long generation, Granularity wanted) throws IOException {
        control.lock();
        try {
            AttachedDrive drive = drives.get(id);
            return drive == null ? 0 : drive.writtenSince(generation, wanted).dirtyBytes();
        } finally {
            control.unlock();
        }
    }

    /** SHA-256 of a bitmap's bits, as QEMU has it. Empty when there is no such bitmap. */
    public Optional<Digest> digest(DriveId drive, BitmapName name) throws IOException {
        return ask(
                drive,
                name,
                (attached, bitmap) -> attached.union(bitmap.generations(), bitmap.granularity())
                        .digest());
    }

    /** Whether somebody uses a bitmap but a backup. */
    public boolean isInUse(DriveId drive, BitmapName name) {
        control.lock();
        try {
            return new AgentRules(drives).isInUse(drive, name);
        } finally {
            control.unlock();
        }
    }

    /**
     * Keeps a bitmap from being changed and removed until {@link #end}.
     *
     * @return why that can't be, in QEMU's words; empty when it's done
     */
    public Optional<String> begin(DriveId id, BitmapName name) {
        control.lock();
        try {
            AttachedDrive drive = drives.get(id);
            Optional<Bitmap> bitmap =
                    drive == null ? Optional.empty() : drive.state().bitmap(name);
            if (drive == null || bitmap.isEmpty()) {
                return Optional.of("Dirty bitmap '" + name + "' not found");
            }
            if (bitmap.get().status() instanceof BitmapStatus.Busy
                    || bitmap.get().status() instanceof BitmapStatus.Incoming
                    || drive.uses().isUsed(name)) {
                return Optional.of("Bitmap '" + name + "' is currently in use by another operation and cannot be used");
            }
            if (bitmap.get().status() instanceof BitmapStatus.Inconsistent) {
                return Optional.of("Bitmap '" + name + "' is inconsistent and cannot be used");
            }
            drive.uses().begin(name);
            return Optional.empty();
        } finally {
            control.unlock();
        }
    }

    /**
     * Marks a drive's bitmaps inconsistent that hold one of the generations that are found wanting; does nothing when
     * it isn't attached.
     *
     * @return false when the generations must be published again before, since the log's digest of them differs
     * @throws IOException when that can't be written down: they are as they were
     */
    public boolean distrust(DriveId id, AgentStep.Distrust distrust) throws IOException {
        control.lock();
        try {
            AttachedDrive drive = drives.get(id);
            return drive == null || drive.distrust(distrust);
        } finally {
            control.unlock();
        }
    }

    public void end(DriveId drive, BitmapName name) {
        control.lock();
        try {
            Optional.ofNullable(drives.get(drive)).ifPresent(d -> d.uses().end(name));
        } finally {
            control.unlock();
        }
    }

    /** What opens an image again. */
    public interface Reopening {
        void run() throws IOException;
    }

    /**
     * Has a drive's image opened again, for which its bitmaps are stored in it, and loaded then: with another access,
     * they become read-only, or writable. Does nothing about bitmaps when the drive isn't attached.
     *
     * @throws IOException as {@code reopening}
     */
    public void reopen(DriveId id, Reopening reopening) throws IOException {
        control.lock();
        try {
            AttachedDrive drive = drives.get(id);
            if (drive == null) {
                reopening.run();
                return;
            }
            drive.stored().store();
            try {
                reopening.run();
            } catch (IOException e) {
                loadAfter(drive, e);
                throw e;
            }
            drive.stored().load(Arrival.CLEAN, false);
        } finally {
            control.unlock();
        }
    }

    private static void loadAfter(AttachedDrive drive, IOException failure) {
        try {
            drive.stored().load(Arrival.CLEAN, false);
        } catch (IOException e) {
            failure.addSuppressed(e);
        }
    }
}
