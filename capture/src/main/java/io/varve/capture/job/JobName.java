package io.varve.capture.job;

/** A job as a command names it. */
public sealed interface JobName {
    String id();

    /** Of a job-* command: any job. */
    record OfJob(String id) implements JobName {}

    /** Of a block-job-* command, which knows block jobs alone. */
    record OfBlockJob(String id) implements JobName {}
}
