package io.varve.core.transaction;

import io.varve.core.bits.Granularity;
import io.varve.core.drive.DriveState;
import io.varve.core.id.BitmapName;
import io.varve.core.id.DriveId;
import java.util.Optional;

/** What the planner asks of the nodes behind the drives, since no drive's log tells it. */
public interface NodeRules {
    /** Nodes that allow everything, of an agent that can't import marks. */
    NodeRules PLAIN = new NodeRules() {
        @Override
        public Optional<String> whyNotPersistent(DriveState state, String name, Granularity granularity) {
            return Optional.empty();
        }

        @Override
        public boolean isReadOnly(DriveId drive, BitmapName bitmap) {
            return false;
        }

        @Override
        public boolean isInUse(DriveId drive, BitmapName bitmap) {
            return false;
        }

        @Override
        public boolean takesImports() {
            return false;
        }
    };

    /**
     * Why a node can't keep one more persistent bitmap, in QEMU's words.
     *
     * @param state after the actions before
     * @param name as the client gave it: it may be taken, or too long
     */
    Optional<String> whyNotPersistent(DriveState state, String name, Granularity granularity);

    /** Whether the bitmap was found on a read-only node, in an image's file: it's never changed, nor removed. */
    boolean isReadOnly(DriveId drive, BitmapName bitmap);

    /** Whether somebody else than a backup uses it, such as an export. */
    boolean isInUse(DriveId drive, BitmapName bitmap);

    /** Whether the agent carries out {@link DrivePlan.Change.Import}. */
    boolean takesImports();
}
