package io.varve.capture;

import io.varve.capture.nbd.ExportRegistry;
import io.varve.capture.node.DeviceIo;
import io.varve.capture.node.Node;
import io.varve.capture.node.NodeListener;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.ConcurrentHashMap;

/** Offers disks to guests by their names, and nodes too when that's asked for. */
final class GuestExports implements NodeListener {
    /** Names that nobody gave begin so. */
    private static final String GENERATED = "#";

    private final ExportRegistry exports;
    private final boolean withNodes;
    private final Map<String, DeviceIo> devices = new ConcurrentHashMap<>();

    GuestExports(ExportRegistry exports, boolean withNodes) {
        this.exports = exports;
        this.withNodes = withNodes;
    }

    @Override
    public void offered(String name, Node node, boolean isDevice) {
        if (isDevice) {
            DeviceIo io = new DeviceIo(node);
            devices.put(name, io);
            exports.add(name, io, "drive " + name + ", tracked by Varve");
        } else if (withNodes && !name.startsWith(GENERATED)) {
            exports.add(name, node.io(), "node " + name + ", tracked by Varve");
        }
    }

    @Override
    public void replaced(String device, Node node) {
        Optional.ofNullable(devices.get(device)).ifPresent(io -> io.replace(node));
    }

    @Override
    public void held(String device) {
        Optional.ofNullable(devices.get(device)).ifPresent(DeviceIo::hold);
    }

    @Override
    public void letGo(String device) {
        Optional.ofNullable(devices.get(device)).ifPresent(DeviceIo::letGo);
    }

    @Override
    public void withdrawn(String name) {
        Optional.ofNullable(devices.remove(name)).ifPresent(DeviceIo::letGo);
        exports.remove(name);
    }
}
