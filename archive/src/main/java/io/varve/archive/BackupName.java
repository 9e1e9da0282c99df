package io.varve.archive;

import io.varve.core.id.DriveId;
import io.varve.core.id.SyncPointId;
import java.util.UUID;

/**
 * One attempt at one backup of one drive; it names the attempt's objects, and no other attempt's.
 *
 * @param chain the sync point of the chain's full backup
 * @param sequence 0 for the full backup, then 1, 2, 3 …
 */
public record BackupName(DriveId drive, SyncPointId chain, int sequence, UUID attempt) {
    public static final int MAX_SEQUENCE = 999_999;

    public BackupName {
        if (sequence < 0 || sequence > MAX_SEQUENCE) {
            throw new IllegalArgumentException(
                    "sequence " + sequence + " in chain " + chain + "; expected 0 to " + MAX_SEQUENCE);
        }
        if (drive.value().equals(ObjectKeys.SYNC_POINTS)) {
            throw new IllegalArgumentException("a drive can't be named '" + drive + "': decisions stand there");
        }
    }

    /** A chain begins with its full backup; all that follow are incremental. */
    public boolean isFull() {
        return sequence == 0;
    }
}
