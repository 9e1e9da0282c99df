package io.varve.capture.node;

import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/** The devices by id, the oldest first. Thread: the lock of {@link NodeGraph}. */
final class DeviceTable {
    private final Map<String, Device> devices = new LinkedHashMap<>();

    void put(Device device) {
        devices.put(device.id(), device);
    }

    Optional<Device> remove(String id) {
        return Optional.ofNullable(devices.remove(id));
    }

    boolean has(String id) {
        return devices.containsKey(id);
    }

    Optional<Device> get(String id) {
        return Optional.ofNullable(devices.get(id));
    }

    /** A device that QEMU's commands know by its id: not one that only stands over a drive. */
    Optional<Device> named(String id) {
        return get(id).filter(device -> device.model().isEmpty());
    }

    List<Device> all() {
        return List.copyOf(devices.values());
    }

    Optional<Device> over(Node node) {
        return devices.values().stream()
                .filter(device -> device.node().filter(n -> n == node).isPresent())
                .findFirst();
    }

    /** What a message calls a node: the drive that guests know, or the node. */
    String described(Node node) {
        Node top = node;
        while (!top.parents().isEmpty()) {
            top = top.parents().getFirst();
        }
        String name = top.name();
        return over(top).map(device -> "drive '" + device.id() + "'").orElse("node '" + name + "'");
    }

    void clear() {
        devices.clear();
    }
}
