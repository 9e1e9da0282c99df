package io.varve.core.commit;

import io.varve.core.bits.PackedMarks;
import io.varve.core.drive.SyncPointMark;
import io.varve.core.id.DriveId;
import io.varve.core.id.JournalId;
import java.util.Optional;

/**
 * One drive's part of a sync point, whose digests agree.
 *
 * @param cut what to copy; empty for a full backup, or when it's too large for a message: then the worker takes it from
 *     the export's dirty-bitmap context and checks the mark's digest
 */
public record Part(DriveId drive, JournalId journal, SyncPointMark mark, Optional<PackedMarks> cut) {
    public UnitId unit() {
        return UnitId.of(drive, mark);
    }
}
