package io.varve.capture.qmp;

import static io.varve.capture.qmp.Parameter.choice;
import static io.varve.capture.qmp.Parameter.optional;
import static io.varve.capture.qmp.Parameter.optionalFlag;
import static io.varve.capture.qmp.Parameter.optionalText;
import static io.varve.capture.qmp.Parameter.required;
import static io.varve.capture.qmp.Parameter.text;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import io.varve.capture.export.BlockExport;
import io.varve.capture.export.BlockExports;
import io.varve.capture.export.BlockExports.Removal;
import io.varve.capture.export.ExportOrder;
import io.varve.capture.node.Node;
import io.varve.capture.node.NodeGraph;
import io.varve.capture.node.NodeRefusedException;
import io.varve.formats.nbd.NbdAddress;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/** The commands of the pull model: an NBD server on demand, and what it exports. */
final class ExportCommands {
    private static final long CONNECTIONS_MAX = 100;

    private final BlockExports exports;
    private final NodeGraph graph;

    ExportCommands(BlockExports exports, NodeGraph graph) {
        this.exports = exports;
        this.graph = graph;
    }

    /** What may be refused. */
    private interface Change {
        void make() throws NodeRefusedException;
    }

    List<Command> commands() {
        return List.of(
                Command.of("nbd-server-start", start(), arguments -> done(() -> start(arguments))),
                Command.of("nbd-server-stop", List.of(), _ -> done(exports::stop)),
                Command.of("nbd-server-add", legacy(), arguments -> done(() -> addLegacy(arguments))),
                Command.of(
                        "nbd-server-remove",
                        List.of(text("name"), optional("mode", choice("safe", "hard"))),
                        arguments -> done(() -> exports.remove(arguments.text("name"), removal(arguments)))),
                Command.of("block-export-add", export(), arguments -> done(() -> add(arguments))),
                Command.of(
                        "block-export-del",
                        List.of(text("id"), optional("mode", choice("safe", "hard"))),
                        arguments -> done(() -> exports.remove(arguments.text("id"), removal(arguments)))),
                Command.of("query-block-exports", List.of(), _ -> all()));
    }

    private static List<Parameter> start() {
        Map<String, List<Parameter>> addresses = new LinkedHashMap<>();
        addresses.put(
                "inet",
                List.of(
                        text("host"),
                        text("port"),
                        optionalFlag("numeric"),
                        optional("to", new Parameter.Type.Whole()),
                        optionalFlag("ipv4"),
                        optionalFlag("ipv6"),
                        optionalFlag("keep-alive"),
                        optionalFlag("mptcp")));
        addresses.put("unix", List.of(text("path"), optionalFlag("abstract"), optionalFlag("tight")));
        addresses.put("vsock", List.of(text("cid"), text("port")));
        addresses.put("fd", List.of(text("str")));
        return List.of(
                required("addr", new Parameter.Type.Tagged(addresses)),
                optionalText("tls-creds"),
                optionalText("tls-authz"),
                optional("max-connections", new Parameter.Type.Uint32()));
    }

    private static List<Parameter> legacy() {
        return List.of(
                optionalText("name"),
                optionalText("description"),
                text("device"),
                optionalFlag("writable"),
                optionalText("bitmap"));
    }

    private static List<Parameter> export() {
        Parameter.Type bitmap =
                new Parameter.Type.TextOrStruct("BlockDirtyBitmapOrStr", List.of(text("node"), text("name")));
        return List.of(
                required("type", choice("nbd", "vhost-user-blk", "fuse", "vduse-blk")),
                text("id"),
                optionalFlag("fixed-iothread"),
                optionalText("iothread"),
                text("node-name"),
                optionalFlag("writable"),
                optionalFlag("writethrough"),
                optionalText("name"),
                optionalText("description"),
                optional("bitmaps", new Parameter.Type.ListOf(bitmap)),
                optionalFlag("allocation-depth"));
    }

    private void start(Arguments arguments) throws NodeRefusedException {
        Optional<String> credentials = arguments.optionalText("tls-creds").filter(id -> !id.isEmpty());
        if (credentials.isPresent()) {
            throw new NodeRefusedException("No TLS credentials with id '" + credentials.get() + "'");
        }
        Arguments address = arguments.struct("addr");
        Arguments data = address.struct("data");
        NbdAddress parsed = switch (address.text("type")) {
            case "unix" -> new NbdAddress.Unix(data.text("path"));
            case "inet" -> new NbdAddress.Tcp(data.text("host"), port(data));
            default ->
                throw new NodeRefusedException(
                        "Varve listens on addresses of type 'unix' and 'inet', not '" + address.text("type") + "'");
        };
        exports.start(parsed, arguments.optionalNumber("max-connections").orElse(CONNECTIONS_MAX));
    }

    private static int port(Arguments data) throws NodeRefusedException {
        try {
            int port = Integer.parseInt(data.text("port"));
            if (port >= 0 && port <= NbdAddress.PORT_MAX) {
                return port;
            }
        } catch (NumberFormatException e) {
            // The name of a service, which QEMU refuses in the same way.
        }
        throw new NodeRefusedException("address resolution failed for " + data.text("host") + ":" + data.text("port")
                + ": Servname not supported for ai_socktype");
    }

    private static Removal removal(Arguments arguments) {
        return arguments.optionalText("mode").filter("hard"::equals).isPresent() ? Removal.HARD : Removal.SAFE;
    }

    /** A read-only node is quietly exported so, whatever is asked for. */
    private void addLegacy(Arguments arguments) throws NodeRefusedException {
        Node node = graph.get(arguments.text("device"));
        String name = arguments.optionalText("name").orElse(arguments.text("device"));
        exports.add(new ExportOrder(
                name,
                name,
                node.name(),
                arguments.optionalText("description").orElse(""),
                arguments.flag("writable", false) && !node.isReadOnly(),
                arguments.optionalText("bitmap").stream()
                        .map(bitmap -> new ExportOrder.BitmapName(Optional.empty(), bitmap))
                        .toList(),
                false));
    }

    private void add(Arguments arguments) throws NodeRefusedException {
        if (!arguments.text("type").equals("nbd")) {
            throw new NodeRefusedException("Varve exports nodes by type 'nbd', not '" + arguments.text("type") + "'");
        }
        String node = arguments.text("node-name");
        exports.add(new ExportOrder(
                arguments.text("id"),
                arguments.optionalText("name").orElse(node),
                node,
                arguments.optionalText("description").orElse(""),
                arguments.flag("writable", false),
                arguments.list("bitmaps").stream().map(ExportCommands::bitmap).toList(),
                arguments.flag("allocation-depth", false)));
    }

    private static ExportOrder.BitmapName bitmap(JsonNode json) {
        return json.isTextual()
                ? new ExportOrder.BitmapName(Optional.empty(), json.textValue())
                : new ExportOrder.BitmapName(
                        Optional.of(json.path("node").asText()),
                        json.path("name").asText());
    }

    private ArrayNode all() {
        ArrayNode all = JsonText.object().arrayNode();
        for (BlockExport export : exports.newestFirst()) {
            all.addObject()
                    .put("node-name", export.node().name())
                    .put("shutting-down", false)
                    .put("type", "nbd")
                    .put("id", export.id());
        }
        return all;
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
