package io.varve.capture.qmp;

import com.fasterxml.jackson.databind.JsonNode;
import io.varve.capture.node.Node;
import io.varve.capture.node.NodeGraph;
import io.varve.capture.tracking.Agent;
import io.varve.core.bits.Digest;
import io.varve.core.id.BitmapName;
import io.varve.core.id.DriveId;
import java.io.IOException;
import java.util.List;
import java.util.Optional;

/** QEMU's x-debug-block-dirty-bitmap-sha256. */
final class BitmapDigest {
    private final Agent agent;
    private final NodeGraph graph;

    BitmapDigest(Agent agent, NodeGraph graph) {
        this.agent = agent;
        this.graph = graph;
    }

    Command command() {
        return Command.of(
                "x-debug-block-dirty-bitmap-sha256",
                List.of(Parameter.text("node"), Parameter.text("name")),
                arguments -> digest(arguments.text("node"), arguments.text("name")));
    }

    private JsonNode digest(String nodeName, String name) throws QmpException {
        Node node = graph.find(nodeName).orElseThrow(() -> QmpException.generic("Node '" + nodeName + "' not found"));
        QmpException missing = QmpException.generic("Dirty bitmap '" + name + "' not found");
        DriveId drive = node.drive().orElseThrow(() -> missing);
        if (!BitmapName.isValid(name)) {
            throw missing;
        }
        try {
            Optional<Digest> digest = agent.bitmaps().digest(drive, new BitmapName(name));
            return JsonText.object()
                    .put("sha256", digest.orElseThrow(() -> missing).hex());
        } catch (IOException e) {
            throw QmpException.generic(
                    "drive '" + drive + "': the bits of bitmap '" + name + "' can't be read: " + e.getMessage());
        }
    }
}
