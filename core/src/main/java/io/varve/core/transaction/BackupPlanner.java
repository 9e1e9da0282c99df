package io.varve.core.transaction;

import io.varve.core.drive.BackupKey;
import io.varve.core.drive.BackupKind;
import io.varve.core.drive.BackupTarget;
import io.varve.core.drive.Bitmap;
import io.varve.core.drive.BitmapMode;
import io.varve.core.drive.Completion;
import io.varve.core.drive.DriveState;
import io.varve.core.drive.Trust;
import io.varve.core.drive.UndecidedBackup;
import io.varve.core.id.BitmapName;
import io.varve.core.id.DriveId;
import io.varve.core.transaction.DrivePlan.PlannedBackup;
import io.varve.core.transaction.DrivePlan.PlannedCut;
import java.util.Optional;
import java.util.SortedSet;
import java.util.TreeSet;

/** What a backup action copies, freezes and anchors, or why it's refused. */
final class BackupPlanner {
    private BackupPlanner() {}

    static PlannedBackup plan(
            DriveState state,
            Action.Backup action,
            BackupKey key,
            SortedSet<DriveId> participants,
            Completion completion)
            throws Refusal {
        checkModes(action);
        Optional<PlannedCut> cut = Optional.empty();
        Optional<Bitmap> bitmap = Optional.empty();
        if (action.bitmap().isPresent()) {
            String name = action.bitmap().get();
            Bitmap found =
                    BitmapChecks.idle(BitmapChecks.found(state, name, "Bitmap '" + name + "' could not be found"));
            bitmap = Optional.of(found);
            cut = Optional.of(cut(state, found, mode(action)));
        }
        if (action.target() == BackupTarget.ARCHIVE) {
            checkArchive(state, action, key);
        }
        return new PlannedBackup(
                key,
                participants,
                completion,
                action.target(),
                kind(state, action, bitmap),
                cut,
                new TreeSet<>(),
                state.sizeBytes());
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

    private static PlannedCut cut(DriveState state, Bitmap bitmap, BitmapMode mode) {
        SortedSet<Long> frozen = new TreeSet<>(bitmap.generations());
        frozen.remove(state.open().number());
        return new PlannedCut(bitmap.name(), mode, frozen, bitmap.granularity());
    }

    private static BitmapMode mode(Action.Backup action) {
        return action.bitmapMode().orElse(BitmapMode.ON_SUCCESS);
    }

    private static BackupKind kind(DriveState state, Action.Backup action, Optional<Bitmap> bitmap) throws Refusal {
        return switch (action.sync()) {
            case FULL, NONE -> new BackupKind.Full();
            case INCREMENTAL, BITMAP -> {
                Bitmap from = bitmap.orElseThrow(() -> new Refusal(
                        "must provide a valid bitmap name for '" + action.sync().qmpName() + "' sync mode"));
                if (action.target() == BackupTarget.ARCHIVE) {
                    checkAnchor(state, from);
                }
                yield new BackupKind.Incremental(
                        action.target() == BackupTarget.ARCHIVE ? from.anchor() : Optional.empty());
            }
        };
    }

    /** The matrix of QEMU's do_backup_common, in its order. */
    private static void checkModes(Action.Backup action) throws Refusal {
        boolean needsBitmap = action.sync() == SyncMode.INCREMENTAL || action.sync() == SyncMode.BITMAP;
        if (needsBitmap && action.bitmap().isEmpty()) {
            throw new Refusal(
                    "must provide a valid bitmap name for '" + action.sync().qmpName() + "' sync mode");
        }
        if (action.sync() == SyncMode.INCREMENTAL && mode(action) != BitmapMode.ON_SUCCESS) {
            throw new Refusal("Bitmap sync mode must be 'on-success' when using sync mode 'incremental'");
        }
        if (action.bitmap().isEmpty() && action.bitmapMode().isPresent()) {
            throw new Refusal("Cannot specify bitmap sync mode without a bitmap");
        }
        if (action.bitmap().isEmpty()) {
            return;
        }
        if (action.sync() != SyncMode.INCREMENTAL && action.bitmapMode().isEmpty()) {
            throw new Refusal("Bitmap sync mode must be given when providing a bitmap");
        }
        if (action.sync() == SyncMode.NONE) {
            throw new Refusal("sync mode 'none' does not produce meaningful bitmap outputs");
        }
        if (action.sync() == SyncMode.FULL && mode(action) == BitmapMode.NEVER) {
            throw new Refusal("Bitmap sync mode 'never' has no meaningful effect when combined with sync mode 'full'");
        }
    }

    private static void checkArchive(DriveState state, Action.Backup action, BackupKey key) throws Refusal {
        if (action.sync() == SyncMode.NONE) {
            throw new Refusal("sync mode 'none' can't go to the archive: it copies nothing by itself");
        }
        if (mode(action) != BitmapMode.ON_SUCCESS) {
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
