package io.varve.capture.tracking;

import io.varve.core.id.BitmapName;
import java.util.HashMap;
import java.util.Map;

/** Who uses a drive's bitmaps but backups, such as exports: no log tells of them. Thread: the agent's control lock. */
final class BitmapUses {
    private final Map<BitmapName, Integer> counts = new HashMap<>();

    void begin(BitmapName name) {
        counts.merge(name, 1, Integer::sum);
    }

    void end(BitmapName name) {
        counts.computeIfPresent(name, (_, count) -> count > 1 ? count - 1 : null);
    }

    boolean isUsed(BitmapName name) {
        return counts.containsKey(name);
    }
}
