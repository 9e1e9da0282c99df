package io.varve.core.transaction;

import io.varve.core.drive.Bitmap;
import io.varve.core.drive.BitmapStatus;
import io.varve.core.drive.DriveState;
import io.varve.core.id.BitmapName;
import java.util.EnumSet;
import java.util.Set;

/** QEMU's bdrv_dirty_bitmap_check, in its order: busy, readonly, inconsistent. */
final class BitmapChecks {
    /** What an action can't do with. */
    enum Obstacle {
        BUSY,
        READ_ONLY,
        INCONSISTENT
    }

    /** For those that change bits. */
    static final Set<Obstacle> ALL = EnumSet.allOf(Obstacle.class);
    /** For those that read bits, or change what isn't in the file. */
    static final Set<Obstacle> ALLOW_READ_ONLY = EnumSet.of(Obstacle.BUSY, Obstacle.INCONSISTENT);
    /** An inconsistent bitmap can't be used, but removed. */
    static final Set<Obstacle> ALLOW_INCONSISTENT = EnumSet.of(Obstacle.BUSY, Obstacle.READ_ONLY);

    private final NodeRules rules;

    BitmapChecks(NodeRules rules) {
        this.rules = rules;
    }

    static Bitmap found(DriveState state, String name) throws Refusal {
        return found(state, name, "Dirty bitmap '" + name + "' not found");
    }

    static Bitmap found(DriveState state, String name, String missing) throws Refusal {
        if (!BitmapName.isValid(name)) {
            throw new Refusal(missing);
        }
        return state.bitmap(new BitmapName(name)).orElseThrow(() -> new Refusal(missing));
    }

    /** A backup has to wait for the end of the drive's hand-over, with whatever bitmap it is. */
    static void checkArrived(DriveState state) throws Refusal {
        for (Bitmap bitmap : state.bitmaps().values()) {
            if (bitmap.status() instanceof BitmapStatus.Incoming) {
                throw new Refusal("drive '" + state.drive() + "' can't be backed up yet: the bits of its bitmap '"
                        + bitmap.name() + "' are still coming from the agent that handed over the drive; end the "
                        + "hand-over, by 'varve handover', and take the backup then");
            }
        }
    }

    /** @param removing those that an action before has asked to remove: they're there until all actions are taken */
    void check(DriveState state, Bitmap bitmap, Set<Obstacle> obstacles, Set<BitmapName> removing) throws Refusal {
        String what = "Bitmap '" + bitmap.name() + "' is ";
        if (obstacles.contains(Obstacle.BUSY) && bitmap.status() instanceof BitmapStatus.Incoming) {
            throw new Refusal(what
                    + "currently in use by another operation and cannot be used: its bits are still coming from the "
                    + "agent that handed over the drive");
        }
        boolean isBusy = bitmap.status() instanceof BitmapStatus.Busy
                || removing.contains(bitmap.name())
                || rules.isInUse(state.drive(), bitmap.name());
        if (obstacles.contains(Obstacle.BUSY) && isBusy) {
            throw new Refusal(what + "currently in use by another operation and cannot be used");
        }
        if (obstacles.contains(Obstacle.READ_ONLY) && rules.isReadOnly(state.drive(), bitmap.name())) {
            throw new Refusal(what + "readonly and cannot be modified");
        }
        if (obstacles.contains(Obstacle.INCONSISTENT) && bitmap.status() instanceof BitmapStatus.Inconsistent) {
            throw new Refusal(what + "inconsistent and cannot be used");
        }
    }
}
