package io.varve.core.recovery;

import io.varve.core.drive.Arrival;
import io.varve.core.drive.Doubt;
import java.util.Optional;

/**
 * What an attaching agent finds of a drive's last run, and what follows from it. Broken is the default: soundness needs
 * proof (reliability.md section 0).
 *
 * <pre>
 *   detached in order, the image as it was left                          CLEAN
 *   handed over, the image as it was left                                INCOMING
 *   live sets of the journal's incarnation, from this boot, the image
 *     not changed since the last write                                    RECOVERED
 *   no such live sets, but an activity log of the journal's incarnation,
 *     the image not changed by others as far as that tells                COARSE
 *   a doubt about sealed marks, the image, the size, or the live sets     INCONSISTENT, with the reason
 * </pre>
 *
 * @param doubt about the sealed generations' marks or the size; empty when there is none
 * @param ending how the last run ended
 */
public record Evidence(Optional<Doubt> doubt, Ending ending) {
    /** How the last run of an agent with this drive ended. */
    public sealed interface Ending {
        /** In order, with the image as it is now, or not. */
        record Detached(boolean imageUnchanged, boolean openMarksKept) implements Ending {}

        /** Another agent's, which handed the drive over; {@code doubt} about the image. */
        record HandedOver(Optional<Doubt> doubt) implements Ending {}

        /** By death, with live sets; {@code doubt} about the image or the sets. */
        record Died(Optional<Doubt> doubt) implements Ending {}

        /**
         * By the host's death, or another that took the live sets; {@code doubt} about the image or the activity log.
         */
        record HostDied(Optional<Doubt> doubt) implements Ending {}
    }

    /** An arrival, and why when it's {@link Arrival#INCONSISTENT}. */
    public record Verdict(Arrival arrival, Optional<Doubt> doubt) {}

    /** What follows. */
    public Verdict verdict() {
        if (doubt.isPresent()) {
            return inconsistent(doubt.get());
        }
        return switch (ending) {
            case Ending.Detached(boolean unchanged, boolean kept)
            when !unchanged ->
                inconsistent(Doubt.imageChanged("the image was changed, or may have been, while it was detached"));
            case Ending.Detached(boolean unchanged, boolean kept)
            when !kept -> inconsistent(Doubt.marksLost("the open generation's marks weren't kept"));
            case Ending.Detached detached -> new Verdict(Arrival.CLEAN, Optional.empty());
            case Ending.HandedOver(Optional<Doubt> about) when about.isPresent() -> inconsistent(about.get());
            case Ending.HandedOver _ -> new Verdict(Arrival.INCOMING, Optional.empty());
            case Ending.Died(Optional<Doubt> about) when about.isPresent() -> inconsistent(about.get());
            case Ending.Died died -> new Verdict(Arrival.RECOVERED, Optional.empty());
            case Ending.HostDied(Optional<Doubt> about) when about.isPresent() -> inconsistent(about.get());
            case Ending.HostDied died -> new Verdict(Arrival.COARSE, Optional.empty());
        };
    }

    private static Verdict inconsistent(Doubt doubt) {
        return new Verdict(Arrival.INCONSISTENT, Optional.of(doubt));
    }
}
