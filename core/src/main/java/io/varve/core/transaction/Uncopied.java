package io.varve.core.transaction;

import io.varve.core.bits.Granularity;
import io.varve.core.drive.BackupKey;
import io.varve.core.drive.BitmapMode;
import io.varve.core.drive.Conclusion;
import io.varve.core.drive.Cut;
import io.varve.core.drive.DriveState;
import io.varve.core.drive.UndecidedBackup;
import io.varve.core.event.DriveEvent;
import io.varve.core.transaction.DrivePlan.Change;
import io.varve.core.transaction.DrivePlan.PlannedImport;
import java.util.List;
import java.util.Optional;
import java.util.TreeSet;

/** What a backup with bitmap-mode 'always' leaves in its bitmap when it fails: what wasn't copied. */
public final class Uncopied {
    private Uncopied() {}

    /**
     * The drive's plan, whose one import is given the marks of what wasn't copied (of a full backup: of the whole
     * drive); empty when the backup has no such bitmap, and is concluded as any other.
     *
     * @param granularity of these marks
     * @param conclusion a failure, or that it was cancelled
     */
    public static Optional<DrivePlan> plan(
            DriveState state, BackupKey backup, Granularity granularity, Conclusion conclusion) {
        UndecidedBackup undecided = state.undecided().get(backup);
        Optional<Cut> cut =
                undecided == null ? Optional.empty() : undecided.mark().cut();
        if (cut.isEmpty() || cut.get().mode() != BitmapMode.ALWAYS) {
            return Optional.empty();
        }
        long sealed = state.open().number();
        PlannedImport rest = new PlannedImport(
                state.drive(), sealed + 1, cut.get().bitmap(), new PlannedImport.Given(granularity), 0);
        return Optional.of(new DrivePlan(
                state.drive(),
                sealed,
                state.trackingGranularity(),
                List.of(
                        new Change.Import(rest),
                        new Change.Event(new DriveEvent.CutReduced(backup, new TreeSet<>(List.of(rest.generation())))),
                        new Change.Event(new DriveEvent.BackupConcluded(backup, conclusion)))));
    }
}
