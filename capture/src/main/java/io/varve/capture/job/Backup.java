package io.varve.capture.job;

import io.varve.capture.tracking.StartedBackup;
import io.varve.core.drive.BackupKey;
import io.varve.core.drive.SyncPointMark;
import io.varve.core.id.DriveId;
import io.varve.core.job.JobEffect;

/** The work of a backup, whose point in time is taken after the job was created. */
interface Backup extends Work {
    DriveId drive();

    /** The point in time is there. */
    void taken(StartedBackup backup);

    /** Known once it's taken. */
    SyncPointMark mark();

    /** Known once it's taken. */
    default BackupKey key() {
        return mark().key();
    }

    @Override
    default void finish(JobEffect.Finish how) {
        throw new IllegalStateException("a backup is never ready");
    }
}
