package io.varve.capture.job;

import io.varve.core.drive.Conclusion;

/**
 * The state of a job that copies to a file. {@link JobGroup} alone moves it.
 *
 * <pre>
 * Created   --start-->                              Running
 * Running   --all of its image is stored-->         Waiting
 * Waiting   --all jobs wait, all targets good-->    Pending
 * Pending   --its image appeared-->                 Appeared
 * Appeared  --all images appeared-->                Gone, as written
 * Running, Waiting, Pending  --cancelled, or another job of the group failed-->  Stopping
 * Stopping  --its copy has ended-->                 Aborting
 * Running, Waiting, Pending  --its copy failed-->   Aborting
 * Appeared  --another job of the group failed-->    Aborting
 * Aborting  --all newer jobs are gone-->            Gone, with the bitmap's bits kept
 * </pre>
 */
sealed interface JobState {
    record Created() implements JobState {}

    record Running() implements JobState {}

    record Waiting() implements JobState {}

    record Pending() implements JobState {}

    record Appeared() implements JobState {}

    /** It was told to stop; its copy may still run. */
    record Stopping(Conclusion why) implements JobState {}

    /** Its copy has ended; it's concluded when its turn comes. */
    record Aborting(Conclusion why) implements JobState {}

    record Gone() implements JobState {}
}
