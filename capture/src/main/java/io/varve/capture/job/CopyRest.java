package io.varve.capture.job;

import io.varve.core.bits.Granularity;
import io.varve.core.bits.Marks;
import io.varve.transfer.CopyPlan;
import java.util.Optional;

/**
 * What a copy was to copy and hasn't: what the bitmap of a failing backup keeps with bitmap-mode 'always'. As long as
 * it isn't certain that the target keeps the rest, nothing is known.
 *
 * <p>Safe for any thread.
 */
final class CopyRest {
    private final Marks cut;
    private final Marks copied;
    private Marks planned;
    private boolean settled;

    /**
     * A copy of nothing less than {@code cut}, and of the whole drive unless its plan tells otherwise.
     *
     * @param cluster what's copied at once at least
     */
    CopyRest(Marks cut, Granularity cluster) {
        this.cut = cut;
        copied = Marks.none(cluster, cut.sizeBytes());
        planned = Marks.none(cut.granularity(), cut.sizeBytes());
        planned.mark(0, cut.sizeBytes());
    }

    /** Where the copy marks what the target has. */
    Marks copied() {
        return copied;
    }

    synchronized void plan(CopyPlan plan) {
        if (plan instanceof CopyPlan.Cut(Marks marks)) {
            planned = cut.copyAt(cut.granularity());
            planned.union(marks);
        }
    }

    /** The copy has ended, and the target keeps what it got. */
    synchronized void settle() {
        settled = true;
    }

    /** What wasn't copied, at the cut's granularity; empty when that isn't known. */
    synchronized Optional<Marks> uncopied() {
        if (!settled) {
            return Optional.empty();
        }
        Marks rest = Marks.none(planned.granularity(), planned.sizeBytes());
        planned.forEachExtent((offsetBytes, lengthBytes) -> {
            long endBytes = offsetBytes + lengthBytes;
            long at = copied.nextClean(offsetBytes, endBytes);
            while (at < endBytes) {
                long next = copied.nextDirty(at);
                long toBytes = next < 0 ? endBytes : Math.min(next, endBytes);
                rest.mark(at, toBytes - at);
                at = toBytes < endBytes ? copied.nextClean(toBytes, endBytes) : endBytes;
            }
        });
        return Optional.of(rest);
    }
}
