package io.varve.capture.tracking;

import io.varve.capture.backend.qcow2.BitmapOutcome;
import io.varve.capture.backend.qcow2.BitmapToStore;
import io.varve.capture.backend.qcow2.Qcow2Backend;
import io.varve.capture.backend.qcow2.StoredBitmap;
import io.varve.core.bits.Granularity;
import io.varve.core.bits.HierarchicalBitSet;
import io.varve.core.bits.Marks;
import io.varve.core.drive.Arrival;
import io.varve.core.drive.Bitmap;
import io.varve.core.drive.BitmapStatus;
import io.varve.core.drive.Doubt;
import io.varve.core.drive.DriveState;
import io.varve.core.drive.Recording;
import io.varve.core.id.BitmapName;
import io.varve.core.transaction.Loading;
import io.varve.core.transaction.Loading.Found;
import io.varve.core.transaction.Plan;
import io.varve.formats.qcow2.BitmapLimits;
import java.io.IOException;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.SequencedMap;
import java.util.Set;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * A drive's persistent bitmaps in the image itself, where QEMU finds them: of qcow2 images that can keep some. The
 * journal keeps them of every drive.
 *
 * <pre>
 *   the journal            the file has it stored    in use              not at all
 *   knows no such bitmap   taken in                  inconsistent
 *   is proven              the journal counts, and the file follows at the next clean end
 *   isn't proven           taken in                  inconsistent        gone after a clean end, else inconsistent
 * </pre>
 *
 * <p>From the first to the last moment in which the image may be written, the file says that its bitmaps are in use.
 *
 * <p>Thread: the agent's control lock.
 */
final class FileBitmaps {
    private static final Logger LOG = LoggerFactory.getLogger(FileBitmaps.class);
    private static final int VERSION_2 = 2;

    private final AttachedDrive drive;
    private final AgentMeans means;
    /** What the file has, in its order. */
    private SequencedMap<String, StoredBitmap> kept = new LinkedHashMap<>();

    FileBitmaps(AttachedDrive drive, AgentMeans means) {
        this.drive = drive;
        this.means = means;
    }

    private Optional<Qcow2Backend> image() {
        return drive.image().backend().undisturbed() instanceof Qcow2Backend image
                        && image.header().version() > VERSION_2
                ? Optional.of(image)
                : Optional.empty();
    }

    private Optional<Qcow2Backend> writable() {
        return image().filter(Qcow2Backend::isWritable);
    }

    /** Why the image can't keep one more bitmap, where it's to. */
    Optional<String> objection(String name, Granularity granularity, long persistent) {
        Optional<Qcow2Backend> image = image();
        if (image.isEmpty()) {
            return Optional.empty();
        }
        try {
            Optional<String> objection = image.get().objectionToBitmap(name, granularity.bytes());
            return objection.isEmpty() && persistent >= BitmapLimits.BITMAPS_MAX
                    ? Optional.of("Maximum number of persistent bitmaps is already reached")
                    : objection;
        } catch (IOException e) {
            return Optional.of(String.valueOf(e.getMessage()));
        }
    }

    /** Whether it's in a file that can't be written. */
    boolean isReadOnly(BitmapName name) {
        return kept.containsKey(name.value())
                && image().isPresent()
                && writable().isEmpty();
    }

    /**
     * Takes in what the file keeps when it's opened, and says there that it's in use.
     *
     * @param arrival of the drive, which says whether its journal is right
     * @param wasDetached whether the drive's last run ended in order
     * @throws IOException in one sentence
     */
    void load(Arrival arrival, boolean wasDetached) throws IOException {
        kept = new LinkedHashMap<>();
        Optional<Qcow2Backend> image = image();
        if (image.isEmpty()) {
            return;
        }
        switch (image.get().loadBitmaps()) {
            case BitmapOutcome.Refused<List<StoredBitmap>>(String reason) ->
                LOG.warn(
                        "drive '{}': the bitmaps in its image can't be used, and go with the first write: {}",
                        drive.image().drive(),
                        reason);
            case BitmapOutcome.Done<List<StoredBitmap>>(List<StoredBitmap> found) -> {
                keeps(found);
                take(image.get(), arrival != Arrival.INCONSISTENT, wasDetached);
                markInUse(image.get());
            }
        }
    }

    private void keeps(List<StoredBitmap> bitmaps) {
        SequencedMap<String, StoredBitmap> now = new LinkedHashMap<>();
        bitmaps.forEach(bitmap -> now.put(bitmap.name(), bitmap));
        kept = now;
    }

    private void take(Qcow2Backend image, boolean isProven, boolean wasDetached) throws IOException {
        DriveState state = drive.state();
        List<Found> found = new ArrayList<>();
        Map<BitmapName, Marks> marks = new HashMap<>();
        for (StoredBitmap bitmap : kept.values()) {
            BitmapName name = new BitmapName(bitmap.name());
            boolean isNew = state.bitmap(name).isEmpty();
            if (isNew || (!isProven && !bitmap.isInconsistent())) {
                found.add(read(image, bitmap, name, marks));
            }
        }
        Set<BitmapName> gone = isProven || !wasDetached ? Set.of() : gone(state);
        if (found.isEmpty() && gone.isEmpty()) {
            return;
        }
        Plan.Planned plan = new Plan.Planned(List.of(Loading.plan(state, gone, found)));
        Transacted taken = new TransactionRun(_ -> drive, means)
                .run(plan, planned -> Objects.requireNonNull(marks.get(planned.into())));
        if (taken instanceof Transacted.Refused(String reason)) {
            throw new IOException(
                    "drive '" + state.drive() + "': the bitmaps of its image can't be taken in: " + reason);
        }
    }

    /** Somebody removed them, or changed the image without looking after them. */
    private Set<BitmapName> gone(DriveState state) {
        Set<BitmapName> gone = new HashSet<>();
        for (Bitmap bitmap : state.bitmaps().values()) {
            if (bitmap.persistent() && !kept.containsKey(bitmap.name().value())) {
                gone.add(bitmap.name());
            }
        }
        return gone;
    }

    private Found read(Qcow2Backend image, StoredBitmap bitmap, BitmapName name, Map<BitmapName, Marks> marks)
            throws IOException {
        Granularity granularity = new Granularity(bitmap.granularityBytes());
        Recording recording = bitmap.isAuto() ? Recording.ENABLED : Recording.DISABLED;
        Optional<Doubt> inconsistency = switch (image.readBitmap(bitmap.name())) {
            case BitmapOutcome.Refused<HierarchicalBitSet>(String reason) ->
                Optional.of(Doubt.fileBitmapDamaged("in the image: " + reason));
            case BitmapOutcome.Done<HierarchicalBitSet>(HierarchicalBitSet bits) -> {
                marks.put(name, new Marks(granularity, drive.state().sizeBytes(), bits));
                yield Optional.empty();
            }
        };
        return new Found(name, granularity, recording, inconsistency);
    }

    private void markInUse(Qcow2Backend image) throws IOException {
        if (image.isWritable() && !kept.isEmpty()) {
            drive.path().changesImage();
            image.markBitmapsInUse();
            drive.path().changesImage();
        }
    }

    /** Removes from the file what is no bitmap any more; what can't be removed is in use there. */
    void settle() {
        Optional<Qcow2Backend> image = writable();
        if (image.isEmpty()) {
            return;
        }
        for (String name : List.copyOf(kept.keySet())) {
            if (!isPersistent(name)) {
                try {
                    remove(image.get(), name);
                } catch (IOException e) {
                    LOG.warn(
                            "drive '{}': bitmap '{}' can't be removed from its image: {}",
                            drive.image().drive(),
                            name,
                            e.getMessage());
                }
            }
        }
    }

    private boolean isPersistent(String name) {
        return drive.state()
                .bitmap(new BitmapName(name))
                .filter(Bitmap::persistent)
                .isPresent();
    }

    private void remove(Qcow2Backend image, String name) throws IOException {
        drive.path().changesImage();
        done(image.removeBitmap(name));
        drive.path().changesImage();
    }

    private void done(BitmapOutcome<List<StoredBitmap>> outcome) throws IOException {
        switch (outcome) {
            case BitmapOutcome.Done<List<StoredBitmap>>(List<StoredBitmap> now) -> keeps(now);
            case BitmapOutcome.Refused<List<StoredBitmap>>(String reason) -> throw new IOException(reason);
        }
    }

    /** Has the file keep what the bitmaps hold. What fails is told and no more: the journal has it all. */
    void store() {
        Optional<Qcow2Backend> image = writable();
        List<Bitmap> bitmaps = toStore();
        if (image.isEmpty() || (kept.isEmpty() && bitmaps.isEmpty())) {
            return;
        }
        try {
            for (StoredBitmap outdated : List.copyOf(kept.values())) {
                boolean isReplaced =
                        bitmaps.stream().anyMatch(b -> b.name().value().equals(outdated.name()));
                // The journal knows better; or it's no bitmap any more.
                if (outdated.isInconsistent() && (isReplaced || !isPersistent(outdated.name()))) {
                    remove(image.get(), outdated.name());
                }
            }
            drive.path().changesImage();
            // The bits are gathered while nobody writes, so that a write either is among them or outdates them.
            done(image.get().storeBitmaps(() -> bits(bitmaps)));
        } catch (IOException e) {
            LOG.warn(
                    "drive '{}': its bitmaps can't be stored in its image, where other programs would find them: {}",
                    drive.image().drive(),
                    e.getMessage());
        } finally {
            drive.path().changesImage();
        }
    }

    /** As QEMU has them in a file: those that are there first, then new ones, the newest first. */
    private List<Bitmap> toStore() {
        List<Bitmap> found = new ArrayList<>();
        kept.keySet().forEach(name -> drive.state().bitmap(new BitmapName(name)).ifPresent(found::add));
        drive.state().newestFirst().stream()
                .filter(bitmap -> !kept.containsKey(bitmap.name().value()))
                .forEach(found::add);
        found.removeIf(bitmap -> !bitmap.persistent()
                || bitmap.status() instanceof BitmapStatus.Inconsistent
                || bitmap.status() instanceof BitmapStatus.Incoming);
        return found;
    }

    private List<BitmapToStore> bits(List<Bitmap> bitmaps) throws IOException {
        List<BitmapToStore> bits = new ArrayList<>();
        for (Bitmap bitmap : bitmaps) {
            Marks marks = drive.union(bitmap.allGenerations(), bitmap.granularity());
            bits.add(new BitmapToStore(
                    bitmap.name().value(), bitmap.granularity().bytes(), bitmap.isRecording(), marks.bits()));
        }
        return bits;
    }
}
