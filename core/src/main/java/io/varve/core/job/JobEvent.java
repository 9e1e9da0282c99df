package io.varve.core.job;

import java.util.Optional;

/** What clients are told of a block job, besides its status: QMP's BLOCK_JOB_* events. */
public sealed interface JobEvent {
    /** BLOCK_JOB_ERROR. */
    record ErrorMet(Operation operation, ErrorAction action) implements JobEvent {}

    /** BLOCK_JOB_READY. */
    record Ready() implements JobEvent {}

    /** BLOCK_JOB_PENDING: a user's word is needed to finalize it. */
    record Pending() implements JobEvent {}

    /** BLOCK_JOB_COMPLETED, with the error of a failure. */
    record Completed(Optional<JobError> error) implements JobEvent {}

    /** BLOCK_JOB_CANCELLED. */
    record Cancelled() implements JobEvent {}
}
