package io.varve.capture.backend;

import java.util.OptionalLong;

/** What happens at an event while the rules are in a state; state {@link #ANY_STATE} stands for all. */
public sealed interface FaultRule {
    int ANY_STATE = 0;

    FaultEvent event();

    int state();

    /**
     * The request fails.
     *
     * @param errno Linux's number; one that NBD has no value for is told as EIO
     * @param sector only requests that touch this sector of 512 bytes fail; never a flush
     * @param once the rule is gone after that
     * @param immediately QEMU's option: whether others get no turn before the request fails. Kept for those who ask; a
     *     backend's calls block, so it makes no difference here
     */
    record InjectError(FaultEvent event, int state, int errno, OptionalLong sector, boolean once, boolean immediately)
            implements FaultRule {
        public InjectError {
            if (errno <= 0) {
                throw new IllegalArgumentException("errno " + errno + " of a fault rule; expected a positive number");
            }
        }

        boolean concerns(long offsetBytes, long lengthBytes) {
            if (sector.isEmpty()) {
                return true;
            }
            long atBytes = sector.getAsLong() * FaultRules.SECTOR_BYTES;
            return atBytes < offsetBytes + lengthBytes && offsetBytes < atBytes + FaultRules.SECTOR_BYTES;
        }
    }

    /** The rules go over to another state. */
    record SetState(FaultEvent event, int state, int newState) implements FaultRule {}
}
