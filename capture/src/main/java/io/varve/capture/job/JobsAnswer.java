package io.varve.capture.job;

import io.varve.core.id.SyncPointId;
import java.util.List;

/** What became of a transaction. */
public sealed interface JobsAnswer {
    /**
     * All of it was carried out.
     *
     * @param syncPoint of its backups
     * @param jobs those that it started, in the order of the actions
     */
    record Done(SyncPointId syncPoint, List<JobInfo> jobs) implements JobsAnswer {
        public Done {
            jobs = List.copyOf(jobs);
        }
    }

    /** Nothing was changed; the sentence says why, as QEMU 7.2 says it where it refuses it, too. */
    record Refused(String description) implements JobsAnswer {}
}
