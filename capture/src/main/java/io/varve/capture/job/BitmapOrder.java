package io.varve.capture.job;

import io.varve.core.drive.Bitmap;
import io.varve.core.drive.DriveState;
import io.varve.core.transaction.Action;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/**
 * In which order bitmaps were added, since QEMU lists the newest first. Those of an earlier run are the oldest, by
 * name. Safe for any thread.
 */
final class BitmapOrder {
    private final Map<Place, Long> added = new HashMap<>();
    private long count;

    private record Place(String node, String name) {}

    synchronized void done(List<Action> actions) {
        for (Action action : actions) {
            if (action instanceof Action.AddBitmap add) {
                added.put(new Place(add.node(), add.name()), ++count);
            } else if (action instanceof Action.RemoveBitmap(String node, String name)) {
                added.remove(new Place(node, name));
            }
        }
    }

    synchronized List<Bitmap> newestFirst(DriveState state) {
        Comparator<Bitmap> byAge = Comparator.comparingLong(bitmap -> added.getOrDefault(
                new Place(state.drive().value(), bitmap.name().value()), 0L));
        return state.bitmaps().values().stream().sorted(byAge.reversed()).toList();
    }
}
