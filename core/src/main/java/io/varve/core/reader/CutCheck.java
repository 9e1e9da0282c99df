package io.varve.core.reader;

import io.varve.core.bits.Digest;
import io.varve.core.bits.Marks;
import io.varve.core.bits.PackedMarks;
import io.varve.core.drive.Cut;
import io.varve.core.drive.DriveState;
import io.varve.core.drive.Generation;
import io.varve.core.drive.SyncPointMark;
import java.util.Optional;

/** Whether the stream's picture of a cut is the agent's. */
// I4
public sealed interface CutCheck {
    /** A packed cut above this goes without: a message must stay below Kafka's usual 1 MiB. */
    int PACKED_MAX_BYTES = 512 * 1024;

    /**
     * It is.
     *
     * @param packed empty when it's too large for a message
     */
    record Agrees(Optional<PackedMarks> packed) implements CutCheck {}

    /** It isn't: marks are missing, here or there. */
    record Differs(Digest actual) implements CutCheck {}

    /** A generation of the cut isn't retained any more. */
    record Gone(long generation) implements CutCheck {}

    /** Unites the cut's generations at its granularity and compares the digest. */
    static CutCheck of(GenerationMarks marks, DriveState state, SyncPointMark mark, Cut cut) {
        Marks union = Marks.none(cut.granularity(), mark.sizeBytes());
        for (long number : cut.generations()) {
            Generation generation = state.generations().get(number);
            if (generation == null) {
                return new Gone(number);
            }
            union.union(marks.load(state.drive(), generation));
        }
        Digest actual = union.digest();
        if (!actual.equals(cut.digest())) {
            return new Differs(actual);
        }
        PackedMarks packed = PackedMarks.of(union);
        return new Agrees(packed.lengthBytes() <= PACKED_MAX_BYTES ? Optional.of(packed) : Optional.empty());
    }
}
