package io.varve.chaos;

import java.util.List;
import java.util.Optional;

/**
 * A sync point that was asked for, and what came of it as far as the agent told.
 *
 * @param request what was asked
 * @param askedNanos before it was
 * @param answeredNanos after the answer, or after the agent was gone
 * @param ending how it ended for who asked
 */
record Cut(Request request, long askedNanos, long answeredNanos, Ending ending) {
    /**
     * What is asked of the agent.
     *
     * @param drives all when empty
     */
    record Request(List<String> drives, boolean grouped, boolean full) {
        Request {
            drives = List.copyOf(drives);
        }
    }

    /** How a cut ended. */
    sealed interface Ending {
        /** Every drive's backup is in the archive. */
        record Committed(String syncPoint) implements Ending {}

        /** Not every drive's is. */
        record NotCommitted(String syncPoint, String reason) implements Ending {}

        /** The agent took no cut. */
        record Refused(String reason) implements Ending {}

        /**
         * The agent was gone before it could tell.
         *
         * @param syncPoint if it told so much
         */
        record Lost(Optional<String> syncPoint) implements Ending {}
    }

    /** Its sync point's id, if it's known. */
    Optional<String> syncPoint() {
        return switch (ending) {
            case Ending.Committed(String id) -> Optional.of(id);
            case Ending.NotCommitted(String id, String reason) -> Optional.of(id);
            case Ending.Refused refused -> Optional.empty();
            case Ending.Lost(Optional<String> id) -> id;
        };
    }

    /** Whether a cut may have been taken whose sync point isn't known here. */
    boolean isNameless() {
        return ending instanceof Ending.Lost(Optional<String> id) && id.isEmpty();
    }
}
