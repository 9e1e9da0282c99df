package io.varve.capture.qmp;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.varve.capture.node.NodeGraph;
import io.varve.capture.node.NodeOptionsReader;
import io.varve.capture.node.NodeRefusedException;
import io.varve.capture.node.NodeSpec;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

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
                        BlockdevOptions.TYPE,
                        arguments -> done(() -> graph.add(NodeOptionsReader.read(arguments.json())))),
                Command.of(
                        "blockdev-reopen",
                        List.of(Parameter.required("options", new Parameter.Type.ListOf(BlockdevOptions.TYPE))),
                        arguments -> done(() -> reopen(arguments.list("options")))),
                Command.of(
                        "block_resize",
                        List.of(
                                Parameter.optionalText("device"),
                                Parameter.optionalText("node-name"),
                                Parameter.required("size", new Parameter.Type.Whole())),
                        arguments -> done(() -> resize(arguments))),
                Command.of(
                        "blockdev-del",
                        List.of(Parameter.text("node-name")),
                        arguments -> done(() -> graph.delete(arguments.text("node-name")))));
    }

    private void resize(Arguments arguments) throws NodeRefusedException {
        Optional<String> device = arguments.optionalText("device");
        Optional<String> nodeName = arguments.optionalText("node-name");
        // This one takes no node's name as a device, where others do.
        boolean isDevice = device.flatMap(graph::device).isPresent();
        if (!isDevice && nodeName.flatMap(graph::named).isEmpty()) {
            throw new NodeRefusedException(
                    "Cannot find device='" + device.orElse("") + "' nor node-name='" + nodeName.orElse("") + "'");
        }
        graph.resize(
                isDevice ? graph.get(device.get()) : graph.get(Optional.empty(), nodeName),
                arguments.optionalNumber("size").orElseThrow());
    }

    private void reopen(List<JsonNode> all) throws NodeRefusedException {
        List<NodeSpec> specs = new ArrayList<>();
        for (JsonNode options : all) {
            if (!(options instanceof ObjectNode object)) {
                throw new NodeRefusedException(
                        "Invalid parameter type for 'options[" + specs.size() + "]', expected: object");
            }
            specs.add(NodeOptionsReader.read(object));
        }
        for (NodeSpec spec : specs) {
            graph.reopen(spec);
        }
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
