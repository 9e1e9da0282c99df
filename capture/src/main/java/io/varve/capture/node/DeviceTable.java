package io.varve.capture.node;

import java.time.Duration;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.LongSupplier;

/** The devices by id, the oldest first. Thread: the lock of {@link NodeGraph}. */
final class DeviceTable {
    /** How long what guests have under way may take to end before a node goes from under their device. */
    static final long HOLD_NANOS_MAX = Duration.ofSeconds(5).toNanos();

    private final Map<String, Device> devices = new LinkedHashMap<>();
    private final Map<String, DeviceIo> ios = new HashMap<>();
    private final LongSupplier nanos;

    /** @param nanos for waits of a bounded time */
    DeviceTable(LongSupplier nanos) {
        this.nanos = nanos;
    }

    /** Gives its export when it's the first time that a node is under it. */
    Optional<DeviceIo> add(Device device) {
        devices.put(device.id(), device);
        if (device.node().isEmpty() || ios.containsKey(device.id())) {
            return Optional.empty();
        }
        DeviceIo io = new DeviceIo(device.node().get(), nanos);
        ios.put(device.id(), io);
        return Optional.of(io);
    }

    /** The way of a guest's requests; empty while it has never had a node. */
    Optional<DeviceIo> io(Device device) {
        return Optional.ofNullable(ios.get(device.id()));
    }

    /**
     * Has guests' changes wait, until {@link #letGo}.
     *
     * @throws NodeRefusedException when what's in flight doesn't end soon; then nobody waits
     */
    void hold(Device device) throws NodeRefusedException {
        Optional<DeviceIo> io = io(device);
        if (io.isPresent() && !io.get().hold(HOLD_NANOS_MAX)) {
            throw new NodeRefusedException("Drive '" + device.id() + "' has writes in flight that haven't ended within "
                    + Duration.ofNanos(HOLD_NANOS_MAX).toSeconds()
                    + " s, and its node can't be changed before: try again when its storage answers");
        }
    }

    void letGo(Device device) {
        io(device).ifPresent(DeviceIo::letGo);
    }

    /** Puts another node under a device that's held. */
    void replace(Device device, Node node) {
        devices.put(device.id(), device.with(node));
        io(device).ifPresent(io -> io.replace(node));
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

    /** Requests that are under way go to its node still. */
    Optional<Device> remove(String id) {
        DeviceIo io = ios.remove(id);
        if (io != null) {
            io.letGo();
        }
        return Optional.ofNullable(devices.remove(id));
    }

    void clear() {
        ios.values().forEach(DeviceIo::letGo);
        devices.clear();
    }
}
