package io.varve.core.fold;

import io.varve.core.drive.Bitmap;
import io.varve.core.drive.BitmapStatus.Idle;
import io.varve.core.drive.BitmapStatus.Incoming;
import io.varve.core.drive.DriveState;
import io.varve.core.drive.Recording;

/** What a hand-over does to bitmaps: they're incoming from the new agent's attach until their marks have come. */
final class HandoverFold {
    private HandoverFold() {}

    /** The agent before ran no backup, so there is no busy bitmap. */
    static DriveState incoming(DriveState state) {
        DriveState after = state;
        for (Bitmap bitmap : state.bitmaps().values()) {
            if (bitmap.status() instanceof Idle(Recording recording)) {
                after = after.with(bitmap.withStatus(new Incoming(recording)));
            }
        }
        return after;
    }

    static Bitmap arrived(Bitmap bitmap) {
        return bitmap.status() instanceof Incoming(Recording recording)
                ? bitmap.withStatus(new Idle(recording))
                : bitmap;
    }
}
