package io.varve.capture.qmp;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.varve.capture.job.Jobs;
import io.varve.capture.node.Node;
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
    private final Jobs jobs;

    NodeCommands(NodeGraph graph, Jobs jobs) {
        this.graph = graph;
        this.jobs = jobs;
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
                        "qom-set",
                        List.of(
                                Parameter.text("path"),
                                Parameter.text("property"),
                                Parameter.required("value", new Parameter.Type.Rest())),
                        this::setProperty),
                Command.of(
                        "blockdev-del",
                        List.of(Parameter.text("node-name")),
                        arguments -> done(() -> {
                            jobs.settle();
                            graph.delete(arguments.text("node-name"));
                        })));
    }

    /** Of devices, only the drive under them can be changed. */
    private JsonNode setProperty(Arguments arguments) throws QmpException {
        String id = arguments.text("path").replaceFirst(".*/", "");
        if (graph.device(id).isEmpty()) {
            throw new QmpException(
                    QmpException.ErrorClass.DEVICE_NOT_FOUND, "Device '" + arguments.text("path") + "' not found");
        }
        String property = "Property '" + id + "." + arguments.text("property") + "'";
        if (!arguments.text("property").equals("drive")) {
            throw QmpException.generic(property + " not found");
        }
        String name = arguments.json().path("value").asText();
        Node node = graph.named(name)
                .orElseThrow(() -> QmpException.generic(property + " can't find value '" + name + "'"));
        return done(() -> graph.replace(id, node));
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
