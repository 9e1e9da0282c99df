package io.varve.simulator;

import io.varve.core.activity.RegionSpan;
import io.varve.core.id.IncarnationId;
import java.util.List;

/**
 * What an activity log's file holds.
 *
 * @param marksGeneration the last generation whose marks were made durable while it was open
 * @param spans what may have been written since
 */
record LoggedRegions(IncarnationId incarnation, long marksGeneration, List<RegionSpan> spans) {
    LoggedRegions {
        spans = List.copyOf(spans);
    }
}
