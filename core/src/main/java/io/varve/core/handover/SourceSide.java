package io.varve.core.handover;

import io.varve.core.id.IncarnationId;

/** What the source of a hand-over says of the drive. */
public sealed interface SourceSide {
    /** It has the drive. */
    record Serving() implements SourceSide {}

    /** It has let the drive go, and keeps what is to be carried. */
    record Released(IncarnationId handover) implements SourceSide {}

    /** It knows no such drive, or none that it still keeps anything of. */
    record Absent() implements SourceSide {}

    /** Nobody answers. */
    record Silent(String reason) implements SourceSide {}
}
