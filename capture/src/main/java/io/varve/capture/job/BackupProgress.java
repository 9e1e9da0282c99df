package io.varve.capture.job;

import io.varve.core.id.DriveId;
import java.util.Optional;

/**
 * How far one drive's backup of a sync point is, or how it ended.
 *
 * @param reason of a failure or an abort
 */
public record BackupProgress(DriveId drive, State state, Optional<String> reason, long copiedBytes, long totalBytes) {
    /** What's known. */
    public enum State {
        RUNNING("running"),
        /** Its decision in the archive. */
        COMMITTED("committed"),
        /** To a file. */
        WRITTEN("written"),
        /** Its decision in the archive. */
        ABORTED("aborted"),
        /** At this agent; the archive's decision may follow. */
        FAILED("failed"),
        /** At this agent; the archive's decision may follow. */
        CANCELLED("cancelled");

        private final String label;

        State(String label) {
            this.label = label;
        }

        public String label() {
            return label;
        }
    }
}
