package io.varve.archive;

import io.varve.core.id.DriveId;
import io.varve.core.id.SyncPointId;

/** What one decision commits or aborts. */
public sealed interface DecisionUnit {
    SyncPointId syncPoint();

    /** All drives of a grouped sync point. */
    record Group(SyncPointId syncPoint) implements DecisionUnit {}

    /** One drive of an individual one. */
    record Single(SyncPointId syncPoint, DriveId drive) implements DecisionUnit {}
}
