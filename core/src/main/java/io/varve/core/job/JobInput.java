package io.varve.core.job;

import java.util.Optional;

/** What happens to the jobs of a group; {@code job} is an index into it, in the order of creation. */
public sealed interface JobInput {
    /** A job was made, and its id is taken; nothing has happened yet. Its index is the number of those before it. */
    record Created(JobSetup setup) implements JobInput {}

    /** The job that was just made can't be had after all, as with a bad speed: its id is free again. */
    record CreationFailed(int job) implements JobInput {}

    /** The transaction that made the jobs isn't carried out: nothing was done that needs a conclusion. */
    record RolledBack() implements JobInput {}

    /** The transaction was carried out. */
    record Started() implements JobInput {}

    /**
     * All input and output is held for a while, as for a transaction. What runs is paused, which clients see: QEMU's
     * jobs are started within the drain of their own transaction, and so go created, running, paused, running.
     */
    record DrainBegan() implements JobInput {}

    record DrainEnded() implements JobInput {}

    /** The copy keeps up with the source now. */
    record BecameReady(int job) implements JobInput {}

    /** The copy met an error; {@link JobEffect.ActOnError} says what it does next. */
    record ErrorMet(int job, Operation operation, boolean noSpace) implements JobInput {}

    /** The work is over: all is stored but for its appearance, or the error says why not. Comes once. */
    record WorkEnded(int job, Optional<JobError> error) implements JobInput {}

    /** Answers {@link JobEffect.CheckTargets}: nothing stands in the way of any target, or of one the error does. */
    record TargetsChecked(Optional<Objection> objection) implements JobInput {}

    /**
     * Answers {@link JobEffect.Prepare} and {@link JobEffect.GiveUp}: the job's target appeared, or it doesn't and the
     * error says why; nothing of the job is under way any more.
     */
    record Prepared(int job, Optional<JobError> error) implements JobInput {}

    /** Answers {@link JobEffect.Conclude}; the error says why the conclusion couldn't be written down. */
    record Concluded(int job, Optional<JobError> error) implements JobInput {}

    /** The job can't go on, for a reason from without, as when its point in time is lost. */
    record Failed(int job, JobError error) implements JobInput {}

    /** Why a job's target can't appear. */
    record Objection(int job, JobError error) {}
}
