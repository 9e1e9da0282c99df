package io.varve.core.job;

import io.varve.core.drive.Conclusion;

/** What {@link JobGroup} has done by its shell, in order; {@code job} is an index into the group. */
public sealed interface JobEffect {
    /** Tells clients: JOB_STATUS_CHANGE. */
    record StatusChanged(int job, JobStatus from, JobStatus to) implements JobEffect {}

    /** Tells clients: BLOCK_JOB_*. */
    record Tell(int job, JobEvent event) implements JobEffect {}

    /** Starts the copy; answered with {@link JobInput.WorkEnded}, once. */
    record StartWork(int job) implements JobEffect {}

    /** Holds the copy soon; what it still has under way may end. */
    record PauseWork(int job) implements JobEffect {}

    record ResumeWork(int job) implements JobEffect {}

    /**
     * Ends the copy, or the appearance of its target, soon, also one that's paused or waits because of an error; its
     * end is still to be told.
     */
    record StopWork(int job) implements JobEffect {}

    /** Ends the work of a job that's ready. */
    record FinishWork(int job, Finish how) implements JobEffect {}

    /** Limits the copy from now on, also where it waits because of the limit before; 0 for no limit. */
    record LimitSpeed(int job, long bytesPerSecond) implements JobEffect {}

    /** Says what the copy does about the error that it met, which it waits for. */
    record ActOnError(int job, ErrorAction action) implements JobEffect {}

    /** Looks at the targets of all jobs that settle here; answered with {@link JobInput.TargetsChecked}. */
    record CheckTargets() implements JobEffect {}

    /** Lets the target appear, or the graph change; answered with {@link JobInput.Prepared}, once. */
    record Prepare(int job) implements JobEffect {}

    /**
     * Gives up what's stored and never appears; answered with {@link JobInput.Prepared}, once. A target that has
     * appeared all the same is left.
     */
    record GiveUp(int job) implements JobEffect {}

    /** Writes down what the bitmap's bits come to; once for each job, and answered with {@link JobInput.Concluded}. */
    record Conclude(int job, Conclusion conclusion) implements JobEffect {}

    /** The id may be taken again. */
    record Free(int job) implements JobEffect {}

    /** How a job that's ready ends. */
    enum Finish {
        SWITCH_OVER,
        /** The source stays what it is. */
        LEAVE
    }
}
