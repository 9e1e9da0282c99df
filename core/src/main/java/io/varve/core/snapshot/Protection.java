package io.varve.core.snapshot;

import io.varve.core.bits.Granularity;
import io.varve.core.bits.HierarchicalBitSet;
import io.varve.core.bits.Marks;

/** Which granules of the drive a snapshot keeps as they were. */
public sealed interface Protection {
    /** All of them: a whole-image copy. */
    record Everything() implements Protection {}

    /** Those of a cut, widened to the snapshot's granules. */
    record Clusters(Marks marks) implements Protection {}

    /** The protection of {@code cut}, widened to {@code granule}: what a sink reads whole clusters of. */
    static Protection of(Marks cut, Granularity granule) {
        return new Clusters(cut.copyAt(granule));
    }

    default boolean contains(long granule) {
        return switch (this) {
            case Everything everything -> true;
            case Clusters(Marks marks) -> marks.bits().get(granule);
        };
    }

    /** Whether all of [fromGranule, toGranule) is protected. */
    default boolean containsAll(long fromGranule, long toGranule) {
        return switch (this) {
            case Everything everything -> true;
            case Clusters(Marks marks) -> marks.bits().nextClear(fromGranule) >= toGranule;
        };
    }

    /** The first protected granule in [fromGranule, toGranule), or -1. */
    default long next(long fromGranule, long toGranule) {
        return switch (this) {
            case Everything everything -> fromGranule < toGranule ? fromGranule : -1;
            case Clusters(Marks marks) -> {
                HierarchicalBitSet bits = marks.bits();
                long found = bits.nextSet(fromGranule);
                yield found >= toGranule ? -1 : found;
            }
        };
    }
}
