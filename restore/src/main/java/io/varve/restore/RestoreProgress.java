package io.varve.restore;

import io.varve.core.id.DriveId;

/** Hears how far a restore is. Called by one thread at a time; must not throw. */
@FunctionalInterface
public interface RestoreProgress {
    RestoreProgress NONE = (drive, doneBytes, sizeBytes) -> {};

    /** The drive's first {@code doneBytes} are read, or on their way. */
    void reached(DriveId drive, long doneBytes, long sizeBytes);
}
