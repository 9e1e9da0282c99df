package io.varve.cli.backup;

import java.util.Locale;
import java.util.Optional;

/**
 * How far one drive's backup is.
 *
 * @param reason why it isn't committed, or why it's a full one
 */
public record DriveStatus(String device, State state, Optional<String> reason, long copiedBytes, long totalBytes) {

    /** The words of {@code x-varve-backup-status}. */
    public enum State {
        /** Not decided yet. */
        RUNNING,
        /** In the archive. */
        COMMITTED,
        /** Decided against; its bits are kept. */
        ABORTED,
        /** It failed at the agent; its bits are kept. */
        FAILED,
        /** Somebody cancelled it; its bits are kept. */
        CANCELLED;

        /** As QMP writes it. */
        public String word() {
            return name().toLowerCase(Locale.ROOT);
        }
    }

    boolean isDecided() {
        return state != State.RUNNING;
    }
}
