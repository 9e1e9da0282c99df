package io.varve.core.transaction;

import io.varve.core.drive.DriveState;
import io.varve.core.drive.NewArea;
import io.varve.core.drive.UndecidedBackup.Phase;
import io.varve.core.event.DriveEvent;
import io.varve.core.transaction.DrivePlan.Change;
import java.util.List;

/** The planner of block_resize, as {@link Transaction} is that of actions. */
public final class Resize {
    private Resize() {}

    /**
     * The drive's plan, none when it has that size already, or why it can't have it now.
     *
     * @param newArea what the agent sees to; it isn't looked at when the size stays
     */
    public static Plan plan(DriveState state, long sizeBytes, NewArea newArea) {
        if (sizeBytes <= 0) {
            return new Plan.Refused("Parameter 'size' expects a >0 size");
        }
        if (sizeBytes % 512 != 0) {
            return new Plan.Refused("The new size must be a multiple of 512");
        }
        boolean isBackedUp = state.undecided().values().stream().anyMatch(u -> u.phase() == Phase.RUNNING);
        if (isBackedUp) {
            return new Plan.Refused(
                    "Node '" + state.drive() + "' is busy: block device is in use by block job: backup");
        }
        if (sizeBytes == state.sizeBytes()) {
            return new Plan.Planned(List.of());
        }
        Change resized = new Change.Event(new DriveEvent.DriveResized(sizeBytes, newArea));
        return new Plan.Planned(List.of(
                new DrivePlan(state.drive(), state.open().number(), state.trackingGranularity(), List.of(resized))));
    }
}
