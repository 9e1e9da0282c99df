package io.varve.capture.tracking;

import io.varve.core.bits.Granularity;
import io.varve.core.drive.Bitmap;
import io.varve.core.drive.BitmapStatus;
import io.varve.core.drive.DriveState;
import io.varve.core.id.BitmapName;
import io.varve.core.id.DriveId;
import io.varve.core.transaction.NodeRules;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;

/** Which bitmaps others than backups use, such as exports. Thread: safe for any; begins with the control lock. */
final class BitmapUses implements NodeRules {
    private final Set<Use> uses = ConcurrentHashMap.newKeySet();

    private record Use(DriveId drive, BitmapName bitmap) {}

    /** Why a bitmap can't be used, in QEMU's words; else it's in use from now on. */
    Optional<String> begin(Optional<DriveState> state, BitmapName name) {
        Optional<Bitmap> bitmap = state.flatMap(s -> s.bitmap(name));
        if (state.isEmpty() || bitmap.isEmpty()) {
            return Optional.of("Dirty bitmap '" + name + "' not found");
        }
        if (bitmap.get().status() instanceof BitmapStatus.Busy || isInUse(state.get().drive(), name)) {
            return Optional.of(
                    "Bitmap '" + name + "' is currently in use by another operation and cannot be used");
        }
        if (bitmap.get().status() instanceof BitmapStatus.Inconsistent) {
            return Optional.of("Bitmap '" + name + "' is inconsistent and cannot be used");
        }
        uses.add(new Use(state.get().drive(), name));
        return Optional.empty();
    }

    void end(DriveId drive, BitmapName name) {
        uses.remove(new Use(drive, name));
    }

    @Override
    public Optional<String> whyNotPersistent(DriveState state, String name, Granularity granularity) {
        return PLAIN.whyNotPersistent(state, name, granularity);
    }

    @Override
    public boolean isReadOnly(DriveId drive, BitmapName bitmap) {
        return PLAIN.isReadOnly(drive, bitmap);
    }

    @Override
    public boolean isInUse(DriveId drive, BitmapName bitmap) {
        return uses.contains(new Use(drive, bitmap));
    }

    @Override
    public boolean takesImports() {
        return PLAIN.takesImports();
    }
}
