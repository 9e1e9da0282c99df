package io.varve.core.drive;

import io.varve.core.id.BitmapName;
import io.varve.core.id.DriveId;
import java.util.Collections;
import java.util.Optional;
import java.util.SortedSet;
import java.util.TreeSet;

/**
 * The transaction marker in one drive's log: this drive's part of a sync point.
 *
 * @param participants every drive of the transaction that is backed up
 * @param cut of the backup's bitmap; empty when it has none (then the backup is a full one)
 * @param anchors the bitmaps that a commit anchors to this sync point; of a point in time that a reconcile reads
 *     (target FILE), the bitmap that collects for it
 * @param sizeBytes of the drive at the cut
 * @param export where the point in time can be read
 */
public record SyncPointMark(
        BackupKey key,
        SortedSet<DriveId> participants,
        Completion completion,
        BackupTarget target,
        BackupKind kind,
        Optional<Cut> cut,
        SortedSet<BitmapName> anchors,
        long sizeBytes,
        SnapshotExport export) {
    public SyncPointMark {
        participants = Collections.unmodifiableSortedSet(new TreeSet<>(participants));
        anchors = Collections.unmodifiableSortedSet(new TreeSet<>(anchors));
    }

    /**
     * An NBD export.
     *
     * @param address {@code unix:PATH} or {@code HOST:PORT}
     * @param name {@code DRIVE@SYNC-POINT-ID}
     */
    public record SnapshotExport(String address, String name) {}
}
