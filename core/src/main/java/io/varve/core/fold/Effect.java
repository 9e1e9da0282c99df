package io.varve.core.fold;

import io.varve.core.bits.Extent;
import io.varve.core.drive.Conclusion;
import io.varve.core.drive.Generation;
import io.varve.core.drive.SyncPointMark;
import java.util.List;
import java.util.SortedSet;

/** What a record asks of whoever keeps the marks. Each may be performed again without harm. */
public sealed interface Effect {
    /** The drive's history starts anew: forget every generation. */
    record ForgetAll() implements Effect {}

    /** Add these to the marks of a retained generation. */
    record Mark(Generation generation, List<Extent> extents) implements Effect {}

    /** The generation must have the digest of its seal. */
    record VerifySeal(Generation generation) implements Effect {}

    /** Nobody refers to the generation any more, or its marks start anew. */
    record Drop(long generation) implements Effect {}

    /** {@code into} takes in the marks of {@code merged}, which go. */
    record Coalesce(SortedSet<Long> merged, Generation into) implements Effect {}

    /** The drive's part of a sync point is complete in the log; its cut's generations are retained. */
    record OfferPart(SyncPointMark mark) implements Effect {}

    /** The drive's part can't be had any more, and why. */
    record RefusePart(SyncPointMark mark, String reason) implements Effect {}

    /** The agent concluded a backup. */
    record Concluded(SyncPointMark mark, Conclusion conclusion) implements Effect {}

    /** Control events from this number on are missing: the agent must publish them again. */
    record RequestControl(long from) implements Effect {}

    /** A record of an incarnation outside the drive's line: it changed no mark. */
    // I8
    record Suspected(String reason) implements Effect {}
}
