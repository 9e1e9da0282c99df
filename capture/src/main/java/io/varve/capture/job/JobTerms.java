package io.varve.capture.job;

import io.varve.core.job.JobSetup;
import java.util.Optional;

/**
 * What was said of how a backup is to run.
 *
 * @param bytesPerSecond 0 for no limit; as the client gave it
 * @param compress whether data clusters are compressed
 * @param filterNodeName by which name guests may write through it, too, while it runs
 */
public record JobTerms(
        JobSetup.ErrorPolicies errors,
        JobSetup.Endings endings,
        long bytesPerSecond,
        boolean compress,
        Optional<String> filterNodeName,
        Perf perf) {
    public static final JobTerms DEFAULT = new JobTerms(
            JobSetup.ErrorPolicies.REPORT, JobSetup.Endings.AUTOMATIC, 0, false, Optional.empty(), Perf.DEFAULT);

    /**
     * QMP's x-perf, as the client gave it.
     *
     * @param workersMax how many requests are made at once
     * @param chunkBytesMax the most that one takes; 0 for no limit
     */
    public record Perf(long workersMax, long chunkBytesMax) {
        public static final Perf DEFAULT = new Perf(64, 0);
    }
}
