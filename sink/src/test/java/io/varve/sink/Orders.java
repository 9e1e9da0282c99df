package io.varve.sink;

import io.varve.core.bits.Marks;
import io.varve.core.bits.PackedMarks;
import io.varve.core.commit.ManifestRef;
import io.varve.core.commit.Part;
import io.varve.core.commit.Task;
import io.varve.core.commit.Verdict;
import io.varve.core.drive.Anchor;
import io.varve.core.drive.BackupKey;
import io.varve.core.drive.BackupKind;
import io.varve.core.drive.BackupTarget;
import io.varve.core.drive.BitmapMode;
import io.varve.core.drive.Completion;
import io.varve.core.drive.Cut;
import io.varve.core.drive.FullCause;
import io.varve.core.drive.SyncPointMark;
import io.varve.core.drive.SyncPointMark.SnapshotExport;
import io.varve.core.id.BitmapName;
import io.varve.core.id.DriveId;
import io.varve.core.id.JournalId;
import io.varve.core.id.SyncPointId;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.UUID;

/** The tasks of one drive, as the streams send them. */
record Orders(DriveId drive, long sizeBytes) {
    static final BitmapName BITMAP = new BitmapName("bitmap0");

    Orders(String drive, long sizeBytes) {
        this(new DriveId(drive), sizeBytes);
    }

    Task.Copy full(String syncPoint, SnapshotExport export) {
        return copy(mark(syncPoint, new BackupKind.Full(), Optional.empty(), export), Optional.empty());
    }

    /** A full backup that nobody asked for. */
    Task.Copy unasked(String syncPoint, FullCause cause, SnapshotExport export) {
        return copy(
                mark(syncPoint, new BackupKind.Full(Optional.of(cause)), Optional.empty(), export), Optional.empty());
    }

    /** A full backup of one drive of a group. */
    Task.Copy grouped(String syncPoint, List<Orders> group, SnapshotExport export) {
        SyncPointMark alone = mark(syncPoint, new BackupKind.Full(), Optional.empty(), export);
        SyncPointMark together = new SyncPointMark(
                alone.key(),
                new TreeSet<>(group.stream().map(Orders::drive).toList()),
                Completion.GROUPED,
                alone.target(),
                alone.kind(),
                alone.cut(),
                alone.anchors(),
                sizeBytes,
                export);
        return copy(together, Optional.empty());
    }

    /** An increment whose task carries the cut. */
    Task.Copy increment(String syncPoint, Anchor parent, Marks marks, SnapshotExport export) {
        return copy(incrementMark(syncPoint, parent, marks, export), Optional.of(PackedMarks.of(marks)));
    }

    /** An increment whose cut must be taken from the export. */
    Task.Copy incrementWithoutCut(String syncPoint, Anchor parent, Marks marks, SnapshotExport export) {
        return copy(incrementMark(syncPoint, parent, marks, export), Optional.empty());
    }

    Task.Decide commit(Task.Copy copied, ManifestRef manifest) {
        return new Task.Decide(
                copied.unit(),
                new Verdict.Committed(new TreeMap<>(Map.of(drive, manifest))),
                new TreeSet<>(List.of(drive)));
    }

    Task.Decide abort(Task.Copy copied, String reason) {
        return new Task.Decide(copied.unit(), new Verdict.Aborted(reason), new TreeSet<>(List.of(drive)));
    }

    private SyncPointMark incrementMark(String syncPoint, Anchor parent, Marks marks, SnapshotExport export) {
        Cut cut = new Cut(
                BITMAP,
                BitmapMode.ON_SUCCESS,
                new TreeSet<>(List.of(1L)),
                marks.granularity(),
                marks.dirtyBytes(),
                marks.digest());
        return mark(syncPoint, new BackupKind.Incremental(Optional.of(parent)), Optional.of(cut), export);
    }

    private SyncPointMark mark(String syncPoint, BackupKind kind, Optional<Cut> cut, SnapshotExport export) {
        return new SyncPointMark(
                new BackupKey(new SyncPointId(syncPoint), 0),
                new TreeSet<>(List.of(drive)),
                Completion.INDIVIDUAL,
                BackupTarget.ARCHIVE,
                kind,
                cut,
                new TreeSet<>(),
                sizeBytes,
                export);
    }

    private Task.Copy copy(SyncPointMark mark, Optional<PackedMarks> cut) {
        return new Task.Copy(new Part(drive, new JournalId(new UUID(1, 2)), mark, cut), 1);
    }
}
