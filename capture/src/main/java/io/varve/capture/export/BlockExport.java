package io.varve.capture.export;

import io.varve.capture.node.Node;
import io.varve.capture.node.NodeUse;
import java.util.List;

/** An export that's there, and what it keeps from others. */
public record BlockExport(ExportOrder order, Node node, NodeUse use, List<OfferedBitmap> bitmaps) {
    public BlockExport {
        bitmaps = List.copyOf(bitmaps);
    }

    public String id() {
        return order.id();
    }
}
