package io.varve.capture.job;

import io.varve.capture.node.Node;
import io.varve.core.transaction.SyncMode;
import io.varve.formats.qcow2.Backing;
import java.util.Optional;

/** What lies under an image that a backup makes, as QEMU 7.2's drive-backup chooses. */
final class BackingChoice {
    private BackingChoice() {}

    /** Mode 'top' leaves out what lies under the source; 'none' shows the source itself. */
    static Optional<Node> of(SyncMode sync, Node source) {
        return switch (sync) {
            case TOP -> source.backing();
            case NONE -> Optional.of(source);
            case FULL, INCREMENTAL, BITMAP -> Optional.empty();
        };
    }

    /** As an image's header names it. */
    static Backing named(Node under) {
        return new Backing(under.filename(), under.driver());
    }
}
