package io.varve.capture.nbd;

import java.util.HashMap;
import java.util.Map;

/**
 * How many connections use each export.
 *
 * <p>Safe for any thread.
 */
final class ConnectionLimits {
    private final int perExportMax;
    private final Map<String, Integer> counts = new HashMap<>(); // Guarded by this.

    ConnectionLimits(int perExportMax) {
        this.perExportMax = perExportMax;
    }

    int perExportMax() {
        return perExportMax;
    }

    /** Counts a connection in, if there's room. */
    synchronized boolean enter(String exportName) {
        int present = counts.getOrDefault(exportName, 0);
        if (present >= perExportMax) {
            return false;
        }
        counts.put(exportName, present + 1);
        return true;
    }

    synchronized void leave(String exportName) {
        counts.computeIfPresent(exportName, (name, count) -> count == 1 ? null : count - 1);
    }
}
