package io.varve.core.drive;

import java.util.SortedSet;

/**
 * The state of a dirty bitmap.
 *
 * <pre>
 *   Idle(ENABLED)  --disable-->  Idle(DISABLED)  --enable-->  Idle(ENABLED)
 *   Idle  --backup starts-->  Busy  --backup concluded-->  Idle, recording as before
 *   Idle  --its drive came from another agent-->  Incoming  --its bits came, too-->  Idle, recording as before
 *   any   --its bits can't be trusted-->  Inconsistent  --remove-->  gone
 *   any but Busy  --reconciled-->  Idle(ENABLED)
 * </pre>
 */
public sealed interface BitmapStatus {
    /** Nobody uses it. */
    record Idle(Recording recording) implements BitmapStatus {}

    /**
     * A backup copies the bitmap's generations, which are its cut; new ones collect in {@code successor}.
     *
     * @param recording of the bitmap before, and after
     * @param successorSequence the bitmap's, once the successor takes its place
     */
    record Busy(BackupKey backup, SortedSet<Long> successor, Recording recording, long successorSequence)
            implements BitmapStatus {
        Busy withSuccessor(SortedSet<Long> successor) {
            return new Busy(backup, successor, recording, successorSequence);
        }
    }

    /**
     * Another agent handed the drive over, and not all of the bitmap's bits have come yet: nobody can use it. Its own
     * new writes are tracked.
     */
    record Incoming(Recording recording) implements BitmapStatus {}

    /** Its bits may lack writes; it can only be removed, or reconciled. */
    record Inconsistent(Doubt doubt) implements BitmapStatus {
        /** Why, in words. */
        public String reason() {
            return doubt.reason();
        }
    }
}
