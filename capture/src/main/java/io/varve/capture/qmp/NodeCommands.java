package io.varve.capture.qmp;

import com.fasterxml.jackson.databind.JsonNode;
import io.varve.capture.node.NodeGraph;
import io.varve.capture.node.NodeOptionsReader;
import io.varve.capture.node.NodeRefusedException;
import java.util.List;

/** The commands that make and unmake nodes. */
final class NodeCommands {
    private final NodeGraph graph;

    NodeCommands(NodeGraph graph) {
        this.graph = graph;
    }

    /** What changes nodes. */
    private interface Change {
        void make() throws NodeRefusedException;
    }

    List<Command> commands() {
        return List.of(
                Command.of(
                        "blockdev-add",
                        List.of(Parameter.rest()),
                        arguments -> done(() -> graph.add(NodeOptionsReader.read(arguments.json())))),
                Command.of(
                        "blockdev-del",
                        List.of(Parameter.text("node-name")),
                        arguments -> done(() -> graph.delete(arguments.text("node-name")))));
    }

    private static JsonNode done(Change change) throws QmpException {
        try {
            change.make();
        } catch (NodeRefusedException e) {
            throw QmpException.generic(e.description());
        }
        return JsonText.object();
    }
}
