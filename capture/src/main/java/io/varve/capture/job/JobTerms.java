package io.varve.capture.job;

/** What was said of how a job is to run. */
public record JobTerms(OnError onSourceError, OnError onTargetError) {
    public static final JobTerms DEFAULT = new JobTerms(OnError.REPORT, OnError.REPORT);

    OnError on(JobEvent.Operation operation) {
        return switch (operation) {
            case READ -> onSourceError;
            case WRITE -> onTargetError;
        };
    }
}
