package io.varve.core.transaction;

import io.varve.core.drive.Bitmap;
import io.varve.core.drive.BitmapStatus;
import io.varve.core.drive.DriveState;
import io.varve.core.id.BitmapName;

/** QEMU's bdrv_dirty_bitmap_check, in its order: missing, busy, inconsistent. */
final class BitmapChecks {
    private BitmapChecks() {}

    static Bitmap usable(DriveState state, String name) throws Refusal {
        return idle(found(state, name, "Dirty bitmap '" + name + "' not found"));
    }

    /** An inconsistent bitmap can't be used, but removed. */
    static Bitmap removable(DriveState state, String name) throws Refusal {
        Bitmap bitmap = found(state, name, "Dirty bitmap '" + name + "' not found");
        return bitmap.status() instanceof BitmapStatus.Inconsistent ? bitmap : idle(bitmap);
    }

    static Bitmap found(DriveState state, String name, String missing) throws Refusal {
        if (!BitmapName.isValid(name)) {
            throw new Refusal(missing);
        }
        return state.bitmap(new BitmapName(name)).orElseThrow(() -> new Refusal(missing));
    }

    static Bitmap idle(Bitmap bitmap) throws Refusal {
        return switch (bitmap.status()) {
            case BitmapStatus.Idle idle -> bitmap;
            case BitmapStatus.Busy busy ->
                throw new Refusal(
                        "Bitmap '" + bitmap.name() + "' is currently in use by another operation and cannot be used");
            case BitmapStatus.Inconsistent inconsistent ->
                throw new Refusal("Bitmap '" + bitmap.name() + "' is inconsistent and cannot be used");
        };
    }
}
