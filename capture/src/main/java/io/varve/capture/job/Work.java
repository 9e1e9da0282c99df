package io.varve.capture.job;

import io.varve.core.drive.Conclusion;
import io.varve.core.job.ErrorAction;
import io.varve.core.job.JobEffect;
import io.varve.core.job.JobError;
import java.util.Optional;

/**
 * What a job does, in threads of its own: what {@link JobEffect} asks for. Each call returns soon; how it goes is told
 * to the {@link JobPort}.
 *
 * <p>Thread: guarded by the lock of {@link Jobs}.
 */
public interface Work {
    JobProgress progress();

    /** Whether it's doing something, and isn't waiting because of its speed. */
    boolean isBusy();

    /** What is to be waited for when the agent ends, if it has begun. */
    Optional<Thread> thread();

    /** Begins; {@link JobPort#ended} answers it. */
    void start(JobPort port);

    void pause();

    void resume();

    /** Ends it soon, also where it's paused or waits for {@link #act}; it may not have been started. */
    void stop();

    /** Ends the work of a job that's ready. */
    void finish(JobEffect.Finish how);

    /**
     * Limits its speed, from now on.
     *
     * @param bytesPerSecond 0 for no limit
     */
    void limit(long bytesPerSecond);

    /** Answers {@link JobPort#errorMet}. */
    void act(ErrorAction action);

    /** Why its target can't appear, when its work is done. */
    Optional<JobError> objection();

    /** Lets the target appear; {@link JobPort#prepared} answers it. */
    void prepare();

    /** Gives up what is stored; {@link JobPort#prepared} answers it. */
    void giveUp();

    /** Writes down how it ended; the error says why it couldn't. */
    Optional<JobError> conclude(Conclusion conclusion);

    /** What clients see over its source meanwhile. */
    default Optional<JobFilter> filter() {
        return Optional.empty();
    }

    /** Nothing will be asked of it any more: others may have what it used. Also when it never was started. */
    void release();
}
