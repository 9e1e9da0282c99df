package io.varve.capture.node;

import java.util.Map;
import java.util.Optional;

/** Which names new nodes and devices may have, in QEMU's words. */
final class NameChecks {
    private NameChecks() {}

    static void device(String id, DeviceTable devices, Map<String, Node> nodes) throws NodeRefusedException {
        if (devices.has(id)) {
            throw new NodeRefusedException("Duplicate ID '" + id + "' for drive");
        }
        if (nodes.containsKey(id)) {
            throw new NodeRefusedException("Device name '" + id + "' conflicts with an existing node name");
        }
    }

    /** A node that wasn't given a name is given one that's free. */
    static void node(Optional<String> wanted, DeviceTable devices, Map<String, Node> nodes, Map<String, Node> aliases)
            throws NodeRefusedException {
        if (wanted.isEmpty()) {
            return;
        }
        String name = wanted.get();
        Optional<String> objection = NodeNames.objection(name);
        if (objection.isPresent()) {
            throw new NodeRefusedException(objection.get());
        }
        if (devices.has(name)) {
            throw new NodeRefusedException("node-name=" + name + " is conflicting with a device id");
        }
        if (nodes.containsKey(name) || aliases.containsKey(name)) {
            throw new NodeRefusedException("Duplicate nodes with node-name='" + name + "'");
        }
    }
}
