package io.varve.capture.tracking;

import io.varve.core.drive.BackupKey;
import io.varve.core.drive.Conclusion;
import io.varve.core.id.DriveId;

/** Hears how backups end, whoever concluded them. */
@FunctionalInterface
public interface BackupObserver {
    /**
     * The drive's log says that the backup ended so; called after it is durable, under the agent's control lock: must
     * be quick, and must not call the agent.
     */
    void concluded(DriveId drive, BackupKey backup, Conclusion conclusion);
}
