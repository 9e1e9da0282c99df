package io.varve.capture;

import io.varve.capture.nbd.Export;
import io.varve.capture.nbd.ExportRegistry;
import io.varve.capture.node.NodeListener;

/** Offers disks to guests by their names, and nodes too when that's asked for. */
final class GuestExports implements NodeListener {
    /** Names that nobody gave begin so. */
    private static final String GENERATED = "#";

    private final ExportRegistry exports;
    private final boolean withNodes;

    GuestExports(ExportRegistry exports, boolean withNodes) {
        this.exports = exports;
        this.withNodes = withNodes;
    }

    @Override
    public void offered(String name, Export export, boolean isDevice) {
        if (isDevice) {
            exports.add(name, export, "drive " + name + ", tracked by Varve");
        } else if (withNodes && !name.startsWith(GENERATED)) {
            exports.add(name, export, "node " + name + ", tracked by Varve");
        }
    }

    @Override
    public void withdrawn(String name) {
        exports.remove(name);
    }
}
