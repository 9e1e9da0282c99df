package io.varve.capture.node;

import java.util.Optional;

/**
 * A guest's disk: a name over a node.
 *
 * @param node empty for a drive without a medium
 * @param granularityBytes of bitmaps that are added without one; QEMU's rule when empty
 * @param model a device's path in QMP where a separate one stands over the drive; else empty
 */
public record Device(String id, Optional<Node> node, Optional<Long> granularityBytes, String model) {
    Device with(Node other) {
        return new Device(id, Optional.of(other), granularityBytes, model);
    }
}
