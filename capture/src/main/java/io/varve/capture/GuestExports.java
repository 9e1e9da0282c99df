package io.varve.capture;

import io.varve.capture.nbd.ExportRegistry;
import io.varve.capture.node.Node;
import io.varve.capture.node.NodeListener;

/** Offers disks to guests by their names, and nodes too when that's asked for. */
record GuestExports(ExportRegistry exports, boolean withNodes) implements NodeListener {
    /** Names that nobody gave begin so. */
    private static final String GENERATED = "#";

    @Override
    public void offered(String name, Node node, boolean isDevice) {
        if (isDevice || (withNodes && !name.startsWith(GENERATED))) {
            exports.add(name, node.io(), (isDevice ? "drive " : "node ") + name + ", tracked by Varve");
        }
    }

    @Override
    public void withdrawn(String name) {
        exports.remove(name);
    }
}
