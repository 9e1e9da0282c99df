package io.varve.capture.job;

import io.varve.core.job.JobEvent;
import io.varve.core.job.JobStatus;

/** What happened to a job. */
public sealed interface JobNews {
    JobInfo job();

    /** It's in {@code status} now; the info may be ahead of that. */
    record StatusChanged(JobInfo job, JobStatus status) implements JobNews {}

    record Told(JobInfo job, JobEvent event) implements JobNews {}
}
