package io.varve.capture.job;

/** What happens to jobs. */
public sealed interface JobEvent {
    JobInfo job();

    record StatusChanged(JobInfo job) implements JobEvent {}

    /** Its copy met an error. */
    record ErrorMet(JobInfo job, Operation operation, OnError.Action action) implements JobEvent {}

    record Completed(JobInfo job) implements JobEvent {}

    /** It failed, and the bitmap kept its bits. */
    record Failed(JobInfo job, String reason) implements JobEvent {}

    record Cancelled(JobInfo job) implements JobEvent {}

    /** What failed. */
    enum Operation {
        READ,
        WRITE
    }
}
