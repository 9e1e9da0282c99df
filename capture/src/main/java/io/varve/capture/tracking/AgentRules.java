package io.varve.capture.tracking;

import io.varve.core.bits.Granularity;
import io.varve.core.drive.Bitmap;
import io.varve.core.drive.DriveState;
import io.varve.core.id.BitmapName;
import io.varve.core.id.DriveId;
import io.varve.core.transaction.NodeRules;
import java.util.Map;
import java.util.Optional;

/** What the planner asks of an agent's drives. Thread: the agent's control lock. */
final class AgentRules implements NodeRules {
    private final Map<DriveId, AttachedDrive> drives;

    AgentRules(Map<DriveId, AttachedDrive> drives) {
        this.drives = drives;
    }

    private Optional<AttachedDrive> drive(DriveId id) {
        return Optional.ofNullable(drives.get(id));
    }

    @Override
    public Optional<String> whyNotPersistent(DriveState state, String name, Granularity granularity) {
        long persistent =
                state.bitmaps().values().stream().filter(Bitmap::persistent).count();
        return drive(state.drive())
                .flatMap(drive -> drive.stored().objection(name, granularity, persistent))
                .map(reason -> "Can't make bitmap '" + name + "' persistent in '" + state.drive() + "': " + reason);
    }

    @Override
    public boolean isReadOnly(DriveId drive, BitmapName bitmap) {
        return drive(drive).filter(d -> d.stored().isReadOnly(bitmap)).isPresent();
    }

    @Override
    public boolean isInUse(DriveId drive, BitmapName bitmap) {
        return drive(drive).filter(d -> d.uses().isUsed(bitmap)).isPresent();
    }

    @Override
    public boolean takesImports() {
        return true;
    }
}
