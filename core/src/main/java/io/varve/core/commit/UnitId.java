package io.varve.core.commit;

import io.varve.core.drive.Completion;
import io.varve.core.drive.SyncPointMark;
import io.varve.core.id.DriveId;
import io.varve.core.id.SyncPointId;
import java.util.Optional;

/**
 * What one decision commits or aborts.
 *
 * @param drive empty for a grouped sync point, whose drives share one fate
 */
public record UnitId(SyncPointId syncPoint, Optional<DriveId> drive) {
    /** The unit to which {@code drive}'s part of the marked sync point belongs. */
    public static UnitId of(DriveId drive, SyncPointMark mark) {
        return new UnitId(
                mark.key().syncPoint(),
                mark.completion() == Completion.GROUPED ? Optional.empty() : Optional.of(drive));
    }

    @Override
    public String toString() {
        return drive.map(d -> syncPoint + "." + d).orElse(syncPoint.toString());
    }
}
