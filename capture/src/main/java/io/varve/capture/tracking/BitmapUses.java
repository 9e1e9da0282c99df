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
import java.util.concurrent.locks.Lock;
import java.util.function.Function;

/**
 * Which bitmaps others than backups use, such as exports: what the planner asks.
 *
 * <p>Safe for any thread.
 */
public final class BitmapUses implements NodeRules {
    private final Set<Use> uses = ConcurrentHashMap.newKeySet();

    private record Use(DriveId drive, BitmapName bitmap) {}

    private final Lock control;
    private final Function<DriveId, Optional<DriveState>> states;

    /** @param control kept while a use begins, so that no plan overlooks it */
    BitmapUses(Lock control, Function<DriveId, Optional<DriveState>> states) {
        this.control = control;
        this.states = states;
    }

    /**
     * Keeps a bitmap from being changed and removed until {@link #end}.
     *
     * @return why that can't be, in QEMU's words; empty when it's done
     */
    public Optional<String> begin(DriveId drive, BitmapName name) {
        control.lock();
        try {
            Optional<Bitmap> bitmap = states.apply(drive).flatMap(state -> state.bitmap(name));
            if (bitmap.isEmpty()) {
                return Optional.of("Dirty bitmap '" + name + "' not found");
            }
            if (bitmap.get().status() instanceof BitmapStatus.Busy || isInUse(drive, name)) {
                return Optional.of("Bitmap '" + name + "' is currently in use by another operation and cannot be used");
            }
            if (bitmap.get().status() instanceof BitmapStatus.Inconsistent) {
                return Optional.of("Bitmap '" + name + "' is inconsistent and cannot be used");
            }
            uses.add(new Use(drive, name));
            return Optional.empty();
        } finally {
            control.unlock();
        }
    }

    public void end(DriveId drive, BitmapName name) {
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
