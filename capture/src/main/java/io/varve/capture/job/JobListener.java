package io.varve.capture.job;

/** Hears what happens to jobs, in order. */
@FunctionalInterface
public interface JobListener {
    /** Called under the lock of {@link Jobs}: must be quick, and must not call it. */
    void happened(JobNews news);
}
