package io.varve.capture.export;

import io.varve.capture.backend.qcow2.OwnExtent;
import io.varve.capture.backend.qcow2.Qcow2Backend;
import io.varve.capture.node.Node;
import io.varve.formats.nbd.StatusExtent;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/**
 * QEMU's context {@code qemu:allocation-depth}: 0 where no image has a part, 1 where the uppermost has it, 2 for the
 * one below, and so on.
 */
final class AllocationDepth {
    private AllocationDepth() {}

    static List<StatusExtent> of(Node node, long offsetBytes, long lengthBytes, int extentsMax) throws IOException {
        List<StatusExtent> extents = new ArrayList<>();
        long endBytes = offsetBytes + lengthBytes;
        for (long at = offsetBytes; at < endBytes && extents.size() < extentsMax; ) {
            StatusExtent next = first(node, at, endBytes - at, 1);
            extents.add(next);
            at += next.lengthBytes();
        }
        return extents;
    }

    private static StatusExtent first(Node node, long offsetBytes, long lengthBytes, int depth) throws IOException {
        Optional<Qcow2Backend> image = node.qcow2();
        if (image.isEmpty()) {
            return new StatusExtent(lengthBytes, depth);
        }
        OwnExtent own = image.get().own(offsetBytes, lengthBytes);
        if (own.isAllocated()) {
            return new StatusExtent(own.lengthBytes(), depth);
        }
        Optional<Node> backing = node.backing();
        long below = backing.map(b -> b.backend().sizeBytes()).orElse(0L);
        if (offsetBytes >= below) {
            return new StatusExtent(own.lengthBytes(), 0);
        }
        return first(backing.orElseThrow(), offsetBytes, Math.min(own.lengthBytes(), below - offsetBytes), depth + 1);
    }
}
