package io.varve.core.transaction;

import io.varve.core.bits.Granularity;
import io.varve.core.drive.Bitmap;
import io.varve.core.drive.Doubt;
import io.varve.core.drive.DriveState;
import io.varve.core.drive.Recording;
import io.varve.core.event.DriveEvent;
import io.varve.core.id.BitmapName;
import io.varve.core.transaction.DrivePlan.Change;
import io.varve.core.transaction.DrivePlan.PlannedImport;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Stream;

/** The planner of what an image's file tells of its bitmaps, where the journal doesn't know better. */
public final class Loading {
    private Loading() {}

    /**
     * A persistent bitmap that a file keeps.
     *
     * @param inconsistency why its bits can't be trusted, if so
     */
    public record Found(BitmapName name, Granularity granularity, Recording recording, Optional<Doubt> inconsistency) {}

    /**
     * The drive's plan. Each consistent bitmap has an import in it whose marks are given.
     *
     * @param gone bitmaps that are no more
     * @param found in the file's order; each takes the place of one of its name
     */
    public static DrivePlan plan(DriveState state, Set<BitmapName> gone, List<Found> found) {
        long sealed = state.open().number();
        List<Change> changes = new ArrayList<>();
        gone.forEach(name -> changes.add(new Change.Event(new DriveEvent.BitmapRemoved(name))));
        int imports = 0;
        for (Found bitmap : found) {
            BitmapName name = bitmap.name();
            if (state.bitmap(name).isPresent() && !gone.contains(name)) {
                changes.add(new Change.Event(new DriveEvent.BitmapRemoved(name)));
            }
            changes.add(
                    new Change.Event(new DriveEvent.BitmapAdded(name, bitmap.granularity(), true, bitmap.recording())));
            if (bitmap.inconsistency().isPresent()) {
                changes.add(new Change.Event(new DriveEvent.BitmapMarkedInconsistent(
                        name, bitmap.inconsistency().get())));
            } else {
                changes.add(new Change.Import(new PlannedImport(
                        state.drive(),
                        sealed + 1 + imports,
                        name,
                        new PlannedImport.Given(bitmap.granularity()),
                        imports)));
                imports++;
            }
        }
        return new DrivePlan(state.drive(), sealed, tracked(state, gone, found), changes);
    }

    private static Granularity tracked(DriveState state, Set<BitmapName> gone, List<Found> found) {
        Set<BitmapName> replaced = new HashSet<>(gone);
        found.forEach(bitmap -> replaced.add(bitmap.name()));
        return Stream.concat(
                        state.bitmaps().values().stream()
                                .filter(bitmap -> !replaced.contains(bitmap.name()))
                                .map(Bitmap::granularity),
                        found.stream().map(Found::granularity))
                .reduce(Granularity::finer)
                .orElse(Granularity.DEFAULT);
    }
}
