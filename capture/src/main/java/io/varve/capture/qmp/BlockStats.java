package io.varve.capture.qmp;

import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.varve.capture.node.Device;
import io.varve.capture.node.Node;
import io.varve.capture.node.NodeCounters;
import io.varve.capture.node.NodeGraph;
import java.util.List;

/** What guests asked for, as query-blockstats tells it (QAPI's BlockStats in 7.2); times aren't measured. */
final class BlockStats {
    private static final List<String> KINDS = List.of("rd", "wr", "flush", "unmap");

    private final NodeGraph graph;

    BlockStats(NodeGraph graph) {
        this.graph = graph;
    }

    List<Command> commands() {
        return List.of(Command.of(
                "query-blockstats",
                List.of(Parameter.optionalFlag("query-nodes")),
                arguments -> arguments.flag("query-nodes", false) ? nodes() : devices()));
    }

    private ArrayNode devices() {
        ArrayNode all = JsonText.object().arrayNode();
        for (Device device : graph.devices()) {
            ObjectNode json = all.addObject();
            json.put("device", device.model().isEmpty() ? device.id() : "");
            device.node().ifPresent(node -> describe(node, json));
            if (device.node().isEmpty()) {
                json.set("stats", JsonText.object());
            }
            if (!device.model().isEmpty()) {
                json.put("qdev", device.model());
            }
        }
        return all;
    }

    private ArrayNode nodes() {
        ArrayNode all = JsonText.object().arrayNode();
        graph.newestFirst().forEach(node -> describe(node, all.addObject()));
        return all;
    }

    private static void describe(Node node, ObjectNode json) {
        json.put("node-name", node.name());
        json.set("stats", stats(node.io().counters().values()));
        node.children().forEach((name, child) -> {
            if (!name.equals(Node.BACKING)) {
                describe(child, json.putObject("parent"));
            }
        });
        node.backing().ifPresent(backing -> describe(backing, json.putObject("backing")));
    }

    private static ObjectNode stats(NodeCounters.Values values) {
        ObjectNode stats = JsonText.object();
        stats.put("rd_bytes", values.reads().bytes());
        stats.put("wr_bytes", values.writes().bytes());
        stats.put("unmap_bytes", values.trims().bytes());
        stats.put("rd_operations", values.reads().count());
        stats.put("wr_operations", values.writes().count());
        stats.put("flush_operations", values.flushes());
        stats.put("unmap_operations", values.trims().count());
        for (String kind : KINDS) {
            stats.put(kind + "_total_time_ns", 0);
            stats.put("failed_" + kind + "_operations", 0);
            stats.put("invalid_" + kind + "_operations", 0);
        }
        for (String kind : List.of("rd", "wr", "unmap")) {
            stats.put(kind + "_merged", 0);
        }
        stats.put("wr_highest_offset", 0);
        stats.put("account_invalid", false);
        stats.put("account_failed", false);
        stats.putArray("timed_stats");
        return stats;
    }
}
