package io.varve.capture.job;

import io.varve.core.drive.Conclusion;

/** What {@link JobGroup} has done by its shell, in order; {@code job} is an index into the group. */
sealed interface JobEffect {
    /** Tells the listeners. */
    record Status(int job, JobStatus status) implements JobEffect {}

    /** Ends the copy soon. */
    record StopCopy(int job) implements JobEffect {}

    /** Looks at every target once more; answers with {@link JobGroup#targetsGood} or {@link JobGroup#stop}. */
    record CheckTargets() implements JobEffect {}

    /** Lets the image appear that is stored already. */
    record LetAppear(int job) implements JobEffect {}

    /** Writes down how the backup ended, then tells the listeners. */
    record Conclude(int job, Conclusion conclusion) implements JobEffect {}
}
