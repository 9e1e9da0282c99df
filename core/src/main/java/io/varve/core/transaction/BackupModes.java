package io.varve.core.transaction;

import io.varve.core.drive.Bitmap;
import io.varve.core.drive.BitmapMode;
import java.util.Optional;

/** Which sync mode goes with which bitmap and bitmap-mode: the matrix of QEMU's do_backup_common, in its order. */
final class BackupModes {
    private BackupModes() {}

    /** The backup's bitmap, if it has one. */
    static Optional<Bitmap> check(Action.Backup action, DriveDraft draft) throws Refusal {
        if (isOfBitmap(action) && action.bitmap().isEmpty()) {
            throw new Refusal(
                    "must provide a valid bitmap name for '" + action.sync().qmpName() + "' sync mode");
        }
        if (action.sync() == SyncMode.INCREMENTAL && mode(action) != BitmapMode.ON_SUCCESS) {
            throw new Refusal("Bitmap sync mode must be 'on-success' when using sync mode 'incremental'");
        }
        if (action.bitmap().isPresent()) {
            return Optional.of(bitmap(action, action.bitmap().get(), draft));
        }
        if (action.bitmapMode().isPresent()) {
            throw new Refusal("Cannot specify bitmap sync mode without a bitmap");
        }
        return Optional.empty();
    }

    private static Bitmap bitmap(Action.Backup action, String name, DriveDraft draft) throws Refusal {
        Bitmap bitmap = draft.found(name, "Bitmap '" + name + "' could not be found");
        String sync = action.sync().qmpName();
        if (action.sync() != SyncMode.INCREMENTAL && action.bitmapMode().isEmpty()) {
            throw new Refusal("Bitmap sync mode must be given when providing a bitmap");
        }
        draft.check(bitmap, BitmapChecks.ALLOW_READ_ONLY);
        if (action.sync() == SyncMode.NONE) {
            throw new Refusal("sync mode '" + sync + "' does not produce meaningful bitmap outputs");
        }
        if (mode(action) == BitmapMode.NEVER && !isOfBitmap(action)) {
            throw new Refusal(
                    "Bitmap sync mode 'never' has no meaningful effect when combined with sync mode '" + sync + "'");
        }
        if (mode(action) != BitmapMode.NEVER) {
            draft.check(bitmap, BitmapChecks.ALL);
        }
        return bitmap;
    }

    /** The one that counts: 'incremental' is 'bitmap' with 'on-success'. */
    static BitmapMode mode(Action.Backup action) {
        return action.bitmapMode().orElse(BitmapMode.ON_SUCCESS);
    }

    static boolean isOfBitmap(Action.Backup action) {
        return action.sync() == SyncMode.INCREMENTAL || action.sync() == SyncMode.BITMAP;
    }
}
