package io.varve.core.feed;

import io.varve.core.event.LogRecord;
import java.util.List;

/**
 * Records to publish next, in this order. All are control events, or all are extents.
 *
 * @param records at least one
 */
public record FeedBatch(List<LogRecord> records) {
    public FeedBatch {
        records = List.copyOf(records);
    }

    /** Whether they are control events. */
    public boolean isControl() {
        return records.getFirst().isControl();
    }
}
