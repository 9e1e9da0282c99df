package io.varve.capture.tracking;

import io.varve.core.bits.Granularity;
import io.varve.core.bits.Marks;
import io.varve.core.drive.Anchor;
import io.varve.core.drive.BackupKey;
import io.varve.core.drive.Bitmap;
import io.varve.core.drive.BitmapStatus;
import io.varve.core.drive.Conclusion;
import io.varve.core.drive.SyncPointMark;
import io.varve.core.id.BitmapName;
import io.varve.core.id.DriveId;
import io.varve.core.id.SyncPointId;
import io.varve.core.snapshot.SnapshotStatus;
import io.varve.core.transaction.Plan;
import io.varve.core.transaction.Reconciling;
import java.io.IOException;
import java.util.HashMap;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.locks.Lock;
import java.util.function.Supplier;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The reconciles of an agent's drives. Each is begun by somebody who reads the point in time, compares it with what the
 * drive was earlier, and tells what differs; until then the bitmap stays as it was (docs/adr/0005).
 *
 * <p>Thread: safe for any thread.
 */
public final class AgentReconciliations {
    private static final Logger LOG = LoggerFactory.getLogger(AgentReconciliations.class);

    private final Lock control;
    private final Map<DriveId, AttachedDrive> drives;
    private final AgentMeans means;
    private final Runnable changed;
    private final Supplier<SyncPointId> points;
    private final Map<BackupKey, Running> running = new HashMap<>();

    AgentReconciliations(
            Lock control,
            Map<DriveId, AttachedDrive> drives,
            AgentMeans means,
            Runnable changed,
            Supplier<SyncPointId> points) {
        this.control = control;
        this.drives = drives;
        this.means = means;
        this.changed = changed;
        this.points = points;
    }

    /** One that runs; {@code wasThere} of its bitmap. */
    private record Running(AttachedDrive drive, BitmapName bitmap, boolean wasThere, Granularity granularity) {}

    /** What becomes of a wish. */
    public sealed interface Answer {
        /**
         * The point in time can be read.
         *
         * @param granularity of the marks that {@link #finish} takes
         * @param inconsistency why the bitmap can't be trusted, if so
         */
        record Begun(DriveId drive, SyncPointMark mark, Granularity granularity, Optional<String> inconsistency)
                implements Answer {}

        /** It's written down: {@code dirtyBytes} differ or were written since. */
        record Finished(long dirtyBytes) implements Answer {}

        /** The bitmap is as it was. */
        record Refused(String description) implements Answer {}
    }

    /**
     * Takes a point in time of a drive, to be read from its export; what is written from here on is collected.
     *
     * @param bitmap as the client gave it; one that isn't there is made in the end
     */
    public Answer begin(DriveId drive, String bitmap) {
        control.lock();
        try {
            AttachedDrive attached = drives.get(drive);
            if (attached == null) {
                return new Answer.Refused("drive '" + drive + "' isn't attached");
            }
            Plan plan = Reconciling.begin(attached.state(), bitmap, points.get(), new AgentRules(drives));
            return switch (plan) {
                case Plan.Refused(String description) -> new Answer.Refused(description);
                case Plan.Planned planned -> begin(attached, new BitmapName(bitmap), planned);
            };
        } finally {
            control.unlock();
            changed.run();
        }
    }

    private Answer begin(AttachedDrive drive, BitmapName name, Plan.Planned planned) {
        Optional<Bitmap> before = drive.state().bitmap(name);
        return switch (new TransactionRun(_ -> drive, means).run(planned)) {
            case Transacted.Refused(String description) -> new Answer.Refused(description);
            case Transacted.Done(var started) -> {
                SyncPointMark mark = started.getFirst().mark();
                Granularity granularity = drive.state()
                        .bitmap(Reconciling.collector(mark.key()))
                        .orElseThrow()
                        .granularity();
                running.put(mark.key(), new Running(drive, name, before.isPresent(), granularity));
                // Neither may be changed, nor backed up from, until the end.
                drive.uses().begin(name);
                drive.uses().begin(Reconciling.collector(mark.key()));
                yield new Answer.Begun(
                        drive.image().drive(),
                        mark,
                        granularity,
                        before.map(Bitmap::status)
                                .filter(BitmapStatus.Inconsistent.class::isInstance)
                                .map(status -> ((BitmapStatus.Inconsistent) status).reason()));
            }
        };
    }

    /**
     * Makes the bitmap hold what differs and what was written since the point in time, durably; the point in time goes.
     * When it's refused, {@link #cancel} is next.
     *
     * @param differing of the drive's size, at the granularity that {@link #begin} told; not to be changed any more
     * @param anchor the sync point that the drive was compared with, where it was one
     */
    public Answer finish(BackupKey point, Marks differing, Optional<Anchor> anchor) {
        control.lock();
        try {
            Running run = running.get(point);
            if (run == null) {
                return new Answer.Refused("no reconcile with the point in time '" + point.syncPoint() + "' runs");
            }
            AttachedDrive drive = run.drive();
            Optional<String> objection = objection(point, run);
            if (objection.isPresent()) {
                return new Answer.Refused(objection.get());
            }
            return switch (Reconciling.finish(drive.state(), point, run.bitmap(), anchor)) {
                case Plan.Refused(String description) -> new Answer.Refused(description);
                case Plan.Planned planned -> finish(point, run, planned, differing);
            };
        } catch (IOException e) {
            return new Answer.Refused(String.valueOf(e.getMessage()));
        } finally {
            control.unlock();
            changed.run();
        }
    }

    private Answer finish(BackupKey point, Running run, Plan.Planned planned, Marks differing) throws IOException {
        AttachedDrive drive = run.drive();
        return switch (new TransactionRun(_ -> drive, means).run(planned, _ -> differing)) {
            case Transacted.Refused(String description) -> new Answer.Refused(description);
            case Transacted.Done _ -> {
                end(point, run, new Conclusion.Written());
                drive.stored().settle();
                yield new Answer.Finished(
                        drive.dirtyBytes(drive.state().bitmap(run.bitmap()).orElseThrow()));
            }
        };
    }

    /** Why what was read is no proof. */
    private Optional<String> objection(BackupKey point, Running run) {
        DriveId id = run.drive().image().drive();
        Optional<StartedBackup> backup = run.drive().backups().running(point);
        if (drives.get(id) != run.drive() || backup.isEmpty()) {
            return Optional.of("drive '" + id + "' was detached since the reconcile began: begin it again");
        }
        if (backup.get().snapshot().status() instanceof SnapshotStatus.Broken(String reason)) {
            return Optional.of("the point in time of drive '" + id + "' can't be read any more: " + reason);
        }
        boolean isThere = run.drive().state().bitmap(run.bitmap()).isPresent();
        return isThere == run.wasThere()
                ? Optional.empty()
                : Optional.of("bitmap '" + run.bitmap() + "' of drive '" + id
                        + "' was added or removed since the reconcile began: begin it again");
    }

    /** Gives one up that runs: its bitmap is as it was. Does nothing when it has ended. */
    public void cancel(BackupKey point) {
        control.lock();
        try {
            Running run = running.get(point);
            if (run != null) {
                end(point, run, new Conclusion.Cancelled());
            }
        } catch (IOException e) {
            LOG.warn(
                    "a reconcile with the point in time '{}' can't be ended in order: {}",
                    point.syncPoint(),
                    e.toString());
        } finally {
            control.unlock();
            changed.run();
        }
    }

    private void end(BackupKey point, Running run, Conclusion conclusion) throws IOException {
        running.remove(point);
        run.drive().uses().end(run.bitmap());
        run.drive().uses().end(Reconciling.collector(point));
        if (drives.get(run.drive().image().drive()) == run.drive()) {
            boolean _ = run.drive().backups().conclude(point, conclusion);
        }
    }
}
