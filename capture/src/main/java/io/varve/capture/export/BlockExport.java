package io.varve.capture.export;

import io.varve.capture.node.DeviceIo;
import io.varve.capture.node.Node;
import io.varve.capture.node.NodeUse;
import java.util.List;
import java.util.Optional;
import java.util.stream.Stream;

/**
 * An export that's there, and what it keeps from others.
 *
 * @param way of its clients' requests to the node that's offered, which an overlay may replace
 */
public record BlockExport(ExportOrder order, DeviceIo way, List<OfferedBitmap> bitmaps) {
    public BlockExport {
        bitmaps = List.copyOf(bitmaps);
    }

    /** A node, and what for. */
    record Used(Node node, NodeUse use) {}

    public String id() {
        return order.id();
    }

    /** The node that's offered now. */
    public Node node() {
        return way.node();
    }

    /** The nodes that it uses now: that which is offered, and those of its bitmaps. */
    List<Used> used() {
        NodeUse ofBitmap = new NodeUse.Export(id(), Optional.empty());
        return Stream.concat(
                        Stream.of(new Used(node(), new NodeUse.Export(id(), Optional.of(way)))),
                        bitmaps.stream().map(bitmap -> new Used(bitmap.node(), ofBitmap)))
                .toList();
    }
}
