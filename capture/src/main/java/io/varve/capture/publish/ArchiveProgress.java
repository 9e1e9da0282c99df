package io.varve.capture.publish;

import io.varve.core.commit.UnitId;
import io.varve.core.id.DriveId;

/** Hears how far the sinks are with the backups that run. */
@FunctionalInterface
public interface ArchiveProgress {
    /**
     * So much of a drive's part is copied. Called on the thread that reads the outcomes: must be quick, and must not
     * throw. A later attempt begins at 0 again.
     */
    void copied(UnitId unit, DriveId drive, long copiedBytes, long totalBytes);
}
