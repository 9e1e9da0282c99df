package io.varve.core.job;

import java.util.EnumSet;
import java.util.Set;

/**
 * What a job is said to be doing: QMP's JobStatus.
 *
 * <pre>
 * UNDEFINED --> CREATED --> RUNNING <--> PAUSED
 *                           RUNNING --> READY <--> STANDBY
 *                           RUNNING, READY --> WAITING --> PENDING --> CONCLUDED --> NULL
 * CREATED, RUNNING, READY, WAITING, PENDING --> ABORTING --> CONCLUDED
 * CREATED --> NULL, when its creation is refused after its id was taken
 * </pre>
 */
public enum JobStatus {
    UNDEFINED("undefined"),
    CREATED("created"),
    RUNNING("running"),
    /** It was running, and will be again. */
    PAUSED("paused"),
    /** Its copy keeps up with the source: it ends when it's told to. */
    READY("ready"),
    /** Paused while ready. */
    STANDBY("standby"),
    /** Its work is done; other jobs of its group aren't there yet. */
    WAITING("waiting"),
    /** All of its group is there; to be finalized. */
    PENDING("pending"),
    ABORTING("aborting"),
    /** Its outcome stands; its id is still taken. */
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

    /** Whether a job in this state may go to {@code next} at once. */
    public boolean mayBecome(JobStatus next) {
        return followers().contains(next);
    }

    /** Whether the work is over, for good or ill. */
    public boolean isCompleted() {
        return compareTo(WAITING) >= 0;
    }

    public boolean isReady() {
        return this == READY || this == STANDBY;
    }

    public boolean isPaused() {
        return this == PAUSED || this == STANDBY;
    }

    /** Whether nothing can change the job's outcome any more. */
    public boolean isOver() {
        return compareTo(CONCLUDED) >= 0;
    }

    private Set<JobStatus> followers() {
        return switch (this) {
            case UNDEFINED -> EnumSet.of(CREATED);
            case CREATED -> EnumSet.of(RUNNING, ABORTING, NULL);
            case RUNNING -> EnumSet.of(PAUSED, READY, WAITING, ABORTING);
            case PAUSED -> EnumSet.of(RUNNING);
            case READY -> EnumSet.of(STANDBY, WAITING, ABORTING);
            case STANDBY -> EnumSet.of(READY);
            case WAITING -> EnumSet.of(PENDING, ABORTING);
            case PENDING -> EnumSet.of(ABORTING, CONCLUDED);
            case ABORTING -> EnumSet.of(CONCLUDED);
            case CONCLUDED -> EnumSet.of(NULL);
            case NULL -> EnumSet.noneOf(JobStatus.class);
        };
    }
}
