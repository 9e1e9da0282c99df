package io.varve.capture.job;

import io.varve.core.job.JobSetup;
import io.varve.core.job.JobStatus;
import io.varve.core.job.JobView;

/**
 * A job as others see it.
 *
 * @param busy whether it's doing something just now
 */
public record JobInfo(JobSetup setup, JobView view, JobProgress progress, boolean busy) {
    public String id() {
        return setup.id();
    }

    public JobStatus status() {
        return view.status();
    }
}
