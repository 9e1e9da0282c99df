package io.varve.core.transaction;

import io.varve.core.drive.BackupKey;
import io.varve.core.drive.BackupKind;
import io.varve.core.drive.BackupTarget;
import io.varve.core.drive.Bitmap;
import io.varve.core.drive.BitmapMode;
import io.varve.core.drive.DriveState;
import io.varve.core.drive.Trust;
import io.varve.core.drive.UndecidedBackup;
import io.varve.core.id.BitmapName;
import io.varve.core.transaction.DrivePlan.PlannedBackup;
import io.varve.core.transaction.DrivePlan.PlannedCut;
import java.util.Optional;
import java.util.SortedSet;
import java.util.TreeSet;

/** What a backup action copies, freezes and anchors, or why it's refused. */
final class BackupPlanner {
    private BackupPlanner() {}

    /** What the backup freezes. */
    static PlannedCut cut(DriveState state, Bitmap bitmap, Action.Backup action) {
        SortedSet<Long> frozen = new TreeSet<>(bitmap.generations());
        frozen.remove(state.open().number());
        return new PlannedCut(bitmap.name(), BackupModes.mode(action), frozen, bitmap.granularity());
    }

    /** What a reader of the log is told; only a file's writer knows a sync mode that the archive doesn't take. */
    static BackupKind kind(Action.Backup action, Optional<Bitmap> bitmap) {
        boolean isOfArchive = action.target() == BackupTarget.ARCHIVE;
        if (!BackupModes.isOfBitmap(action)) {
            return new BackupKind.Full(isOfArchive ? action.because() : Optional.empty());
        }
        return new BackupKind.Incremental(isOfArchive ? bitmap.flatMap(Bitmap::anchor) : Optional.empty());
    }

    /** The bitmaps that a commit anchors: its own, and those that began with a full; each must miss no write since. */
    static SortedSet<BitmapName> anchors(DriveState after, PlannedBackup backup, SortedSet<BitmapName> begun) {
        TreeSet<BitmapName> anchors = new TreeSet<>();
        if (backup.target() == BackupTarget.ARCHIVE) {
            backup.cut().ifPresent(cut -> anchors.add(cut.bitmap()));
            if (backup.kind() instanceof BackupKind.Full) {
                anchors.addAll(begun);
            }
        }
        anchors.removeIf(name -> after.bitmap(name).filter(Bitmap::isRecording).isEmpty());
        return anchors;
    }

    /** What the archive doesn't take: it holds full and incremental backups that make chains. */
    static void checkArchive(DriveState state, Action.Backup action, Optional<Bitmap> bitmap, BackupKey key)
            throws Refusal {
        if (action.sync() == SyncMode.NONE || action.sync() == SyncMode.TOP) {
            throw new Refusal("sync mode '" + action.sync().qmpName() + "' can't go to the archive, which holds full "
                    + "and incremental backups: use 'full', 'incremental' or 'bitmap'");
        }
        if (BackupModes.mode(action) != BitmapMode.ON_SUCCESS) {
            throw new Refusal("a backup to the archive keeps its bitmap only 'on-success': another mode would break "
                    + "the chain");
        }
        for (UndecidedBackup undecided : state.undecided().values()) {
            if (undecided.mark().target() == BackupTarget.ARCHIVE) {
                checkUndecided(state, action, undecided);
            }
        }
        if (key.ordinal() > 0) {
            throw new Refusal("drive '" + state.drive() + "' is backed up twice in one transaction: the archive takes "
                    + "one backup of a drive a sync point");
        }
        if (BackupModes.isOfBitmap(action) && bitmap.isPresent()) {
            checkAnchor(state, bitmap.get());
        }
    }

    /** A full one needn't know what became of one that was given up: the archive may be gone for good. */
    private static void checkUndecided(DriveState state, Action.Backup action, UndecidedBackup undecided)
            throws Refusal {
        String what = "drive '" + state.drive() + "' has a backup to the archive, sync point '"
                + undecided.mark().key().syncPoint() + "', that isn't decided yet: ";
        switch (undecided.phase()) {
            case RUNNING -> throw new Refusal(what + "wait for its end (query-jobs), or cancel it");
            case PUT_BACK -> {
                if (action.sync() != SyncMode.FULL) {
                    throw new Refusal(what + "see that streams and a sink run, which settle it, or use sync 'full'");
                }
            }
        }
    }

    private static void checkAnchor(DriveState state, Bitmap bitmap) throws Refusal {
        if (bitmap.anchor().isEmpty()) {
            throw new Refusal("Bitmap '" + bitmap.name() + "' of drive '" + state.drive()
                    + "' has no anchor in the archive, so an increment would leave a gap: use sync 'full'");
        }
        if (state.trust() instanceof Trust.Suspect(String reason)) {
            throw new Refusal("drive '" + state.drive() + "' is suspect (" + reason + "): use sync 'full'");
        }
    }
}
