package io.varve.capture.job;

import io.varve.core.job.JobSetup;

/** A job of a {@link GroupRun}. Thread: guarded by the lock of {@link Jobs}. */
record JobRun(GroupRun group, int index, Work work) {
    JobSetup setup() {
        return group.setup(index);
    }

    JobInfo info() {
        return group.info(index);
    }
}
