package io.varve.capture.job;

/** What a job does when a request fails (QAPI's BlockdevOnError). */
public enum OnError {
    /** The job ends as failed. */
    REPORT,
    /** It tries again. */
    IGNORE,
    /** It stops when there's no space left, and else ends as failed. */
    ENOSPC,
    /** It's paused, and tries again when it's resumed. */
    STOP;

    /** What's done about one error (QAPI's BlockErrorAction). */
    public enum Action {
        REPORT("report"),
        IGNORE("ignore"),
        STOP("stop");

        private final String qmpName;

        Action(String qmpName) {
            this.qmpName = qmpName;
        }

        public String qmpName() {
            return qmpName;
        }
    }

    Action action(boolean isNoSpace) {
        return switch (this) {
            case REPORT -> Action.REPORT;
            case IGNORE -> Action.IGNORE;
            case ENOSPC -> isNoSpace ? Action.STOP : Action.REPORT;
            case STOP -> Action.STOP;
        };
    }
}
