package io.varve.core.handover;

import io.varve.core.id.IncarnationId;
import java.util.Collections;
import java.util.List;
import java.util.SortedSet;
import java.util.TreeSet;

/** What the target of a hand-over says of the drive. */
public sealed interface TargetSide {
    /** It hasn't got it. */
    record Absent() implements TargetSide {}

    /** It serves the drive, whose bitmaps wait for the marks of {@code missing}. */
    record Incoming(IncarnationId handover, SortedSet<Long> missing) implements TargetSide {
        public Incoming {
            missing = Collections.unmodifiableSortedSet(new TreeSet<>(missing));
        }
    }

    /** It has the drive whole; {@code line} names whom it inherited from, the oldest first. */
    record Serving(List<IncarnationId> line) implements TargetSide {
        public Serving {
            line = List.copyOf(line);
        }
    }
}
