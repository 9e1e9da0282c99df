package io.varve.core.job;

/** What's done about an error: QMP's BlockErrorAction. */
public enum ErrorAction {
    /** The copy ends, and with it the job. */
    REPORT("report"),
    /** The copy tries the same again. */
    IGNORE("ignore"),
    /** The job is paused; the copy tries the same again when it's resumed. */
    STOP("stop");

    private final String qmpName;

    ErrorAction(String qmpName) {
        this.qmpName = qmpName;
    }

    public String qmpName() {
        return qmpName;
    }
}
