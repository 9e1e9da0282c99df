package io.varve.core.commit;

import io.varve.core.drive.SyncPointMark;
import io.varve.core.id.DriveId;

/** What happens to a unit. */
public sealed interface UnitInput {
    /** A drive's log holds its part, with matching digests. */
    record PartOffered(Part part) implements UnitInput {}

    /** A drive's part can't be had. */
    record PartRefused(DriveId drive, SyncPointMark mark, String reason) implements UnitInput {}

    /** A message about the unit. */
    record Heard(UnitId unit, Outcome outcome) implements UnitInput {}

    /** Nothing was heard of the unit for a while: a clock says when, never what (I12). */
    record Silence() implements UnitInput {}
}
