package io.varve.core.job;

import java.util.Optional;

/** What a user may ask of a job, and in which states: QMP's JobVerb, as in QEMU 7.2. */
public enum JobVerb {
    CANCEL("cancel"),
    PAUSE("pause"),
    RESUME("resume"),
    SET_SPEED("set-speed"),
    COMPLETE("complete"),
    FINALIZE("finalize"),
    DISMISS("dismiss");

    private final String qmpName;

    JobVerb(String qmpName) {
        this.qmpName = qmpName;
    }

    public String qmpName() {
        return qmpName;
    }

    public boolean isAcceptedIn(JobStatus status) {
        return switch (status) {
            case CREATED, RUNNING, PAUSED -> this == CANCEL || isOfWork();
            case READY, STANDBY -> this == CANCEL || this == COMPLETE || isOfWork();
            case WAITING -> this == CANCEL;
            case PENDING -> this == CANCEL || this == FINALIZE;
            case CONCLUDED -> this == DISMISS;
            case UNDEFINED, ABORTING, NULL -> false;
        };
    }

    private boolean isOfWork() {
        return this == PAUSE || this == RESUME || this == SET_SPEED;
    }

    /** QEMU's words when the job's state doesn't allow it. */
    public Optional<String> refusal(String id, JobStatus status) {
        return isAcceptedIn(status)
                ? Optional.empty()
                : Optional.of("Job '" + id + "' in state '" + status.qmpName() + "' cannot accept command verb '"
                        + qmpName + "'");
    }
}
