package io.varve.capture.job;

/** What a job is said to be doing (QMP's JobStatus, as far as backups go). */
public enum JobStatus {
    CREATED("created"),
    RUNNING("running"),
    /** Until it's resumed. */
    PAUSED("paused"),
    /** Done but for the other jobs of its transaction. */
    WAITING("waiting"),
    /** About to be finalized, with all of its transaction. */
    PENDING("pending"),
    ABORTING("aborting"),
    CONCLUDED("concluded"),
    /** Gone, and its id is free. */
    NULL("null");

    private final String qmpName;

    JobStatus(String qmpName) {
        this.qmpName = qmpName;
    }

    public String qmpName() {
        return qmpName;
    }
}
