package io.varve.capture.qmp;

import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.varve.capture.job.JobFilter;
import io.varve.capture.job.Jobs;
import io.varve.capture.node.Device;
import io.varve.capture.node.Node;
import io.varve.capture.node.NodeGraph;
import io.varve.capture.tracking.Agent;
import java.util.List;

/** Nodes as query-block and query-named-block-nodes describe them (QAPI's BlockInfo and BlockDeviceInfo in 7.2). */
final class BlockInfo {
    private static final String FILTER_DRIVER = "copy-before-write";
    private static final List<String> LIMITS = List.of("bps", "bps_rd", "bps_wr", "iops", "iops_rd", "iops_wr");

    private final Jobs jobs;
    private final NodeGraph graph;
    private final BitmapInfo bitmaps;

    BlockInfo(Agent agent, Jobs jobs, NodeGraph graph) {
        this.jobs = jobs;
        this.graph = graph;
        this.bitmaps = new BitmapInfo(agent);
    }

    ArrayNode blocks() throws QmpException {
        ArrayNode blocks = JsonText.object().arrayNode();
        List<JobFilter> filters = jobs.filters();
        for (Device device : graph.devices()) {
            ObjectNode block = blocks.addObject();
            block.put("io-status", "ok");
            block.put("device", device.model().isEmpty() ? device.id() : "");
            block.put("locked", false);
            block.put("removable", device.node().isEmpty());
            if (device.node().isPresent()) {
                block.set("inserted", inserted(device.node().get(), filters));
            } else {
                block.put("tray_open", false);
            }
            if (!device.model().isEmpty()) {
                block.put("qdev", device.model());
            }
            block.put("type", "unknown");
        }
        return blocks;
    }

    /** @param flat without the images under each image */
    ArrayNode nodes(boolean flat) throws QmpException {
        ArrayNode nodes = JsonText.object().arrayNode();
        List<JobFilter> filters = jobs.filters();
        for (JobFilter filter : filters) {
            nodes.add(filter(filter, over(filter.node(), filters), !flat));
        }
        for (Node node : graph.newestFirst()) {
            nodes.add(node(node, over(node, filters), !flat));
        }
        return nodes;
    }

    /** What's under a device: the latest filter over its node, if a job has one there. */
    private ObjectNode inserted(Node node, List<JobFilter> filters) throws QmpException {
        List<JobFilter> over = over(node, filters);
        return over.isEmpty() ? node(node, over, true) : filter(over.getFirst(), over, true);
    }

    private static List<JobFilter> over(Node node, List<JobFilter> filters) {
        return filters.stream().filter(filter -> filter.node().equals(node)).toList();
    }

    /** @param over all filters over the same node, the newest first */
    private ObjectNode filter(JobFilter filter, List<JobFilter> over, boolean withBacking) throws QmpException {
        List<JobFilter> under = over.subList(over.indexOf(filter) + 1, over.size());
        ObjectNode json = node(filter.node(), over, false);
        json.remove("backing_file");
        json.put("backing_file_depth", withBacking ? under.size() + 1 + depth(filter.node()) : 0);
        json.put("drv", FILTER_DRIVER);
        json.put("node-name", filter.name());
        json.set("image", image(filter, under, withBacking));
        json.set("dirty-bitmaps", bitmaps.of(filter));
        return json;
    }

    private static ObjectNode image(JobFilter filter, List<JobFilter> under, boolean withBacking) {
        ObjectNode image = ImageInfo.of(filter.node(), false);
        image.retain("virtual-size", "filename", "cluster-size", "actual-size", "dirty-flag");
        image.put("format", FILTER_DRIVER);
        if (withBacking) {
            image.set(
                    "backing-image",
                    under.isEmpty()
                            ? ImageInfo.of(filter.node(), true)
                            : image(under.getFirst(), under.subList(1, under.size()), true));
        }
        return image;
    }

    /** @param filters that jobs have over it */
    private ObjectNode node(Node node, List<JobFilter> filters, boolean withBacking) throws QmpException {
        ObjectNode json = JsonText.object();
        LIMITS.forEach(limit -> json.put(limit, 0));
        json.put("ro", node.isReadOnly());
        node.backing().ifPresent(backing -> json.put("backing_file", backing.filename()));
        json.put("backing_file_depth", withBacking ? depth(node) : 0);
        json.put("drv", node.driver());
        json.put("encrypted", false);
        json.put("file", node.filename());
        json.put("node-name", node.name());
        json.put("detect_zeroes", node.spec().options().detectZeroes());
        json.put("write_threshold", 0);
        ObjectNode cache = json.putObject("cache");
        cache.put("no-flush", node.spec().options().noFlush());
        cache.put("direct", node.spec().options().direct());
        cache.put("writeback", true);
        json.set("image", ImageInfo.of(node, withBacking));
        ArrayNode told = bitmaps.of(node, filters);
        if (!told.isEmpty()) {
            json.set("dirty-bitmaps", told);
        }
        return json;
    }

    private static int depth(Node node) {
        return node.backing().map(backing -> 1 + depth(backing)).orElse(0);
    }
}
