package io.varve.core.transaction;

import io.varve.core.bits.Granularity;
import io.varve.core.drive.Anchor;
import io.varve.core.drive.BackupKey;
import io.varve.core.drive.BackupKind;
import io.varve.core.drive.BackupTarget;
import io.varve.core.drive.Bitmap;
import io.varve.core.drive.Completion;
import io.varve.core.drive.DriveState;
import io.varve.core.drive.Recording;
import io.varve.core.drive.UndecidedBackup;
import io.varve.core.event.DriveEvent;
import io.varve.core.id.BitmapName;
import io.varve.core.id.SyncPointId;
import io.varve.core.transaction.DrivePlan.Change;
import io.varve.core.transaction.DrivePlan.PlannedBackup;
import io.varve.core.transaction.DrivePlan.PlannedImport;
import java.util.EnumSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.TreeSet;

/**
 * The planner of a reconcile, by which a bitmap that can't be trusted is made right again (docs/adr/0005): it begins
 * with a point in time and a bitmap that collects what is written since; it ends with what differs, as an import.
 */
public final class Reconciling {
    private static final Set<BitmapChecks.Obstacle> OBSTACLES =
            EnumSet.of(BitmapChecks.Obstacle.BUSY, BitmapChecks.Obstacle.READ_ONLY);

    private Reconciling() {}

    /** The bitmap that collects for the reconcile whose point in time is {@code point}. */
    public static BitmapName collector(BackupKey point) {
        return new BitmapName("reconcile@" + point.syncPoint());
    }

    /**
     * What begins it: nothing of it changes the bitmap that is to be reconciled.
     *
     * @param bitmap as the client gave it; one that isn't there is to be made
     * @param point the name of the point in time
     */
    public static Plan begin(DriveState state, String bitmap, SyncPointId point, NodeRules rules) {
        try {
            return begin(state, checked(state, bitmap, rules), new BackupKey(point, 0));
        } catch (Refusal refusal) {
            return new Plan.Refused(refusal.description());
        }
    }

    private static Granularity checked(DriveState state, String bitmap, NodeRules rules) throws Refusal {
        if (!BitmapName.isValid(bitmap)) {
            throw new Refusal("Bitmap name is empty or too long: '" + bitmap + "'");
        }
        Optional<BackupKey> other = state.undecided().values().stream()
                .filter(backup -> backup.mark().target() == BackupTarget.FILE
                        && !backup.mark().anchors().isEmpty())
                .map(backup -> backup.mark().key())
                .findFirst();
        if (other.isPresent()) {
            throw new Refusal("drive '" + state.drive() + "' is being reconciled already: wait until that has ended");
        }
        Optional<Bitmap> found = state.bitmap(new BitmapName(bitmap));
        if (found.isPresent()) {
            new BitmapChecks(rules).check(state, found.get(), OBSTACLES, Set.of());
            return found.get().granularity();
        }
        Optional<String> objection = rules.whyNotPersistent(state, bitmap, Granularity.DEFAULT);
        if (objection.isPresent()) {
            throw new Refusal(objection.get());
        }
        return Granularity.DEFAULT;
    }

    private static Plan begin(DriveState state, Granularity granularity, BackupKey key) {
        BitmapName collector = collector(key);
        PlannedBackup point = new PlannedBackup(
                key,
                new TreeSet<>(List.of(state.drive())),
                Completion.INDIVIDUAL,
                BackupTarget.FILE,
                new BackupKind.Full(),
                Optional.empty(),
                new TreeSet<>(List.of(collector)),
                state.sizeBytes());
        return new Plan.Planned(List.of(new DrivePlan(
                state.drive(),
                state.open().number(),
                state.trackingGranularity().finer(granularity),
                List.of(
                        new Change.Event(new DriveEvent.BitmapAdded(collector, granularity, false, Recording.ENABLED)),
                        new Change.Backup(point)))));
    }

    /**
     * What ends it: the marks of its one import are what differs.
     *
     * @param anchor the sync point that the drive was compared with, where it was one
     */
    public static Plan finish(DriveState state, BackupKey point, BitmapName bitmap, Optional<Anchor> anchor) {
        BitmapName name = collector(point);
        UndecidedBackup backup = state.undecided().get(point);
        Optional<Bitmap> collector = state.bitmap(name).filter(Bitmap::isRecording);
        if (backup == null || !backup.anchors().contains(name) || collector.isEmpty()) {
            return new Plan.Refused("the reconcile of drive '" + state.drive()
                    + "' has ended, or what is written since " + "its beginning isn't known any more: begin it again");
        }
        long sealed = state.open().number();
        PlannedImport differing = new PlannedImport(
                state.drive(),
                sealed + 1,
                name,
                new PlannedImport.Given(collector.get().granularity()),
                0);
        return new Plan.Planned(List.of(new DrivePlan(
                state.drive(),
                sealed,
                state.trackingGranularity(),
                List.of(
                        new Change.Import(differing),
                        new Change.Event(new DriveEvent.BitmapReconciled(point, bitmap, anchor))))));
    }
}
