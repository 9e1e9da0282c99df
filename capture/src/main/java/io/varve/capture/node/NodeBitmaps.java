package io.varve.capture.node;

import io.varve.capture.tracking.Agent;
import io.varve.core.bits.Marks;
import io.varve.core.id.BitmapName;
import java.io.IOException;
import java.util.Optional;

/** What nodes' bitmaps hold, for nodes that need it when they're made. */
final class NodeBitmaps {
    private NodeBitmaps() {}

    /** @param node that the bitmap's node name stands for; empty when there is none */
    static Marks marks(Agent agent, Optional<Node> node, NodeSpec.BitmapOf bitmap) throws NodeRefusedException {
        if (node.isEmpty()) {
            throw new NodeRefusedException("Node '" + bitmap.node() + "' not found");
        }
        try {
            Optional<Marks> marks = node.get().drive().isEmpty() || !BitmapName.isValid(bitmap.name())
                    ? Optional.empty()
                    : agent.bitmaps().marks(node.get().drive().get(), new BitmapName(bitmap.name()));
            return marks.orElseThrow(() -> new NodeRefusedException("Dirty bitmap '" + bitmap.name() + "' not found"));
        } catch (IOException e) {
            throw new NodeRefusedException(String.valueOf(e.getMessage()));
        }
    }
}
