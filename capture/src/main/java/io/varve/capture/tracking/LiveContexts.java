package io.varve.capture.tracking;

import io.varve.capture.backend.RequestFailedException;
import io.varve.capture.nbd.DirtyExtents;
import io.varve.core.bits.Granularity;
import io.varve.core.bits.Marks;
import io.varve.core.drive.Bitmap;
import io.varve.core.drive.BitmapStatus;
import io.varve.core.drive.Doubt;
import io.varve.core.drive.DriveState;
import io.varve.core.id.BitmapName;
import io.varve.formats.nbd.NbdError;
import io.varve.formats.nbd.StatusExtent;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.locks.Lock;

/**
 * The dirty bitmaps of a live drive as meta contexts of its export, {@code qemu:dirty-bitmap:NAME}. A bitmap tells all
 * that it would hold if a backup that has it failed now: while it's busy, its cut and what came since. So a write that
 * was acknowledged before the request is in the answer, if the bitmap records.
 *
 * <p>A request reads a bounded range of the generations' own maps, and copies no bitmap. It takes the control lock only
 * when the drive's state changed since the last one: that's to find the maps. Without the lock, a map may be taken away
 * under a reader, after the state changed; that shows as an IllegalStateException of the map, and the lock is taken
 * then.
 *
 * <p>Thread: safe for any thread, but for {@link #close}, which has the control lock. The write path isn't concerned.
 */
final class LiveContexts {
    /** A request is told of no more than this at once, whatever it asks for. */
    private static final long GRANULES_MAX = 1 << 18;

    private final AttachedDrive drive;
    private final Lock control;
    private volatile Optional<View> view = Optional.empty();
    private volatile boolean closed;

    LiveContexts(AttachedDrive drive, Lock control) {
        this.drive = drive;
        this.control = control;
    }

    /** Where bitmaps' marks are, as long as neither the state nor the open generation is another. */
    private record View(DriveState state, LiveSet open, Map<String, Sources> sources) {}

    /** A bitmap's generations. */
    private record Sources(Granularity granularity, List<Marks> marks) {
        List<StatusExtent> extents(long offsetBytes, long lengthBytes, int extentsMax) {
            int shift = granularity.shift();
            long firstBytes = (offsetBytes >>> shift) << shift;
            long toldBytes = Math.min(lengthBytes, (GRANULES_MAX << shift) - (offsetBytes - firstBytes));
            long endBytes = granularity.granules(offsetBytes + toldBytes) << shift;
            Marks found = Marks.none(granularity, endBytes - firstBytes);
            for (Marks each : marks) {
                collect(each, firstBytes, endBytes, found);
            }
            return DirtyExtents.of(found, offsetBytes - firstBytes, toldBytes, extentsMax);
        }

        /** One step a granule of the bitmap at most, however fine the generation is. */
        private void collect(Marks generation, long firstBytes, long endBytes, Marks found) {
            int shift = granularity.shift();
            long dirty = generation.nextDirty(firstBytes);
            while (dirty >= 0 && dirty < endBytes) {
                long clean = generation.nextClean(dirty, endBytes);
                long runEnd = granularity.granules(clean) << shift;
                found.mark(dirty - firstBytes, runEnd - dirty);
                dirty = runEnd < endBytes ? generation.nextDirty(runEnd) : -1;
            }
        }
    }

    /** The contexts that a client may choose now. */
    List<String> names() {
        List<String> names = new ArrayList<>();
        for (Bitmap bitmap : drive.state().bitmaps().values()) {
            boolean isWhole = !(bitmap.status() instanceof BitmapStatus.Inconsistent)
                    && !(bitmap.status() instanceof BitmapStatus.Incoming);
            if (isWhole) {
                names.add(StatusExtent.DIRTY_BITMAP_PREFIX + bitmap.name());
            }
        }
        return names;
    }

    /**
     * As {@link io.varve.capture.nbd.Export#blockStatus}.
     *
     * @throws IOException also when the bitmap is gone, or inconsistent, since the client chose it
     */
    List<StatusExtent> blockStatus(String context, long offsetBytes, long lengthBytes, int extentsMax)
            throws IOException {
        Optional<View> seen = view;
        Optional<Sources> known = seen.map(v -> v.sources().get(context));
        if (known.isPresent() && isCurrent(seen.orElseThrow())) {
            try {
                return known.get().extents(offsetBytes, lengthBytes, extentsMax);
            } catch (IllegalStateException e) {
                if (isCurrent(seen.orElseThrow())) {
                    throw e;
                }
            }
        }
        control.lock();
        try {
            return sources(context).extents(offsetBytes, lengthBytes, extentsMax);
        } finally {
            control.unlock();
        }
    }

    /** The drive is being given up, and its marks are unmapped after this. */
    void close() {
        closed = true;
        view = Optional.empty();
    }

    /**
     * Whoever cuts swaps the open set first and changes the state later, so a write that was acknowledged after the
     * swap is in a set that makes this false; and an undone cut gives its marks back before the set is open again (I3).
     */
    @SuppressWarnings("ReferenceEquality") // a state that is equal may have other maps
    private boolean isCurrent(View seen) {
        return !closed
                && seen.state() == drive.state()
                && seen.open() == drive.path().open();
    }

    /** With the control lock. */
    private Sources sources(String context) throws IOException {
        if (closed) {
            throw new RequestFailedException(
                    NbdError.ESHUTDOWN, "drive '" + drive.image().drive() + "' is being detached");
        }
        View current = view.filter(this::isCurrent)
                .orElseGet(() -> new View(drive.state(), drive.path().open(), new ConcurrentHashMap<>()));
        view = Optional.of(current);
        Sources known = current.sources().get(context);
        if (known == null) {
            known = find(context);
            current.sources().put(context, known);
        }
        return known;
    }

    private Sources find(String context) throws IOException {
        String name = context.substring(StatusExtent.DIRTY_BITMAP_PREFIX.length());
        Optional<Bitmap> bitmap = drive.state().bitmap(new BitmapName(name));
        if (bitmap.isEmpty()) {
            throw refused(name, "was removed since the client chose it");
        }
        if (bitmap.get().status() instanceof BitmapStatus.Inconsistent(Doubt doubt)) {
            throw refused(name, "is inconsistent: " + doubt.reason());
        }
        if (bitmap.get().status() instanceof BitmapStatus.Incoming) {
            throw refused(name, "is still coming from the agent that handed over the drive");
        }
        List<Marks> marks = new ArrayList<>();
        for (long generation : bitmap.get().allGenerations()) {
            marks.add(drive.marks(generation));
        }
        return new Sources(bitmap.get().granularity(), List.copyOf(marks));
    }

    private RequestFailedException refused(String bitmap, String reason) {
        return new RequestFailedException(
                NbdError.EINVAL,
                "bitmap '" + bitmap + "' of drive '" + drive.image().drive() + "' " + reason);
    }
}
