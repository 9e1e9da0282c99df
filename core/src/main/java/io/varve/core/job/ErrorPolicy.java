package io.varve.core.job;

/** What a user wants done when a job meets an error: QMP's BlockdevOnError. */
public enum ErrorPolicy {
    REPORT("report"),
    IGNORE("ignore"),
    STOP("stop"),
    /** Stops when there's no space, which a user can make; reports all else. */
    ENOSPC("enospc"),
    /** The server's choice; for jobs it's {@link #ENOSPC}. */
    AUTO("auto");

    private final String qmpName;

    ErrorPolicy(String qmpName) {
        this.qmpName = qmpName;
    }

    public String qmpName() {
        return qmpName;
    }

    /** What it comes to. */
    public ErrorAction action(boolean noSpace) {
        return switch (this) {
            case REPORT -> ErrorAction.REPORT;
            case IGNORE -> ErrorAction.IGNORE;
            case STOP -> ErrorAction.STOP;
            case ENOSPC, AUTO -> noSpace ? ErrorAction.STOP : ErrorAction.REPORT;
        };
    }
}
