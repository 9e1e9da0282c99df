package io.varve.capture.qmp;

import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.varve.capture.job.Jobs;
import io.varve.capture.node.Device;
import io.varve.capture.node.Node;
import io.varve.capture.node.NodeGraph;
import io.varve.capture.tracking.Agent;
import io.varve.core.drive.Bitmap;
import io.varve.core.drive.BitmapStatus;
import io.varve.core.drive.DriveState;
import io.varve.core.id.DriveId;
import java.io.IOException;
import java.util.List;
import java.util.Optional;

/** Nodes as query-block and query-named-block-nodes describe them (QAPI's BlockInfo and BlockDeviceInfo in 7.2). */
final class BlockInfo {
    private static final List<String> LIMITS = List.of("bps", "bps_rd", "bps_wr", "iops", "iops_rd", "iops_wr");

    private final Agent agent;
    private final Jobs jobs;
    private final NodeGraph graph;

    BlockInfo(Agent agent, Jobs jobs, NodeGraph graph) {
        this.agent = agent;
        this.jobs = jobs;
        this.graph = graph;
    }

    ArrayNode blocks() throws QmpException {
        ArrayNode blocks = JsonText.object().arrayNode();
        for (Device device : graph.devices()) {
            ObjectNode block = blocks.addObject();
            block.put("io-status", "ok");
            block.put("device", device.model().isEmpty() ? device.id() : "");
            block.put("locked", false);
            block.put("removable", device.node().isEmpty());
            if (device.node().isPresent()) {
                block.set("inserted", node(device.node().get(), true));
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
        for (Node node : graph.newestFirst()) {
            nodes.add(node(node, !flat));
        }
        return nodes;
    }

    private ObjectNode node(Node node, boolean withBacking) throws QmpException {
        ObjectNode json = JsonText.object();
        LIMITS.forEach(limit -> json.put(limit, 0));
        json.put("ro", node.isReadOnly());
        node.backing().ifPresent(backing -> json.put("backing_file", backing.filename()));
        json.put("backing_file_depth", depth(node));
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
        ArrayNode bitmaps = bitmaps(node);
        if (!bitmaps.isEmpty()) {
            json.set("dirty-bitmaps", bitmaps);
        }
        return json;
    }

    private static int depth(Node node) {
        return node.backing().map(backing -> 1 + depth(backing)).orElse(0);
    }

    private ArrayNode bitmaps(Node node) throws QmpException {
        ArrayNode bitmaps = JsonText.object().arrayNode();
        Optional<DriveState> state = node.drive().flatMap(agent::state);
        if (state.isEmpty()) {
            return bitmaps;
        }
        for (Bitmap bitmap : jobs.newestFirst(state.get())) {
            ObjectNode json = bitmaps.addObject();
            json.put("name", bitmap.name().value());
            json.put("recording", bitmap.isRecording());
            json.put("persistent", bitmap.persistent());
            json.put(
                    "busy",
                    bitmap.status() instanceof BitmapStatus.Busy
                            || agent.uses().isInUse(state.get().drive(), bitmap.name()));
            json.put("granularity", bitmap.granularity().bytes());
            json.put("count", dirtyBytes(state.get().drive(), bitmap));
            if (bitmap.status() instanceof BitmapStatus.Inconsistent) {
                json.put("inconsistent", true);
            }
        }
        return bitmaps;
    }

    private long dirtyBytes(DriveId drive, Bitmap bitmap) throws QmpException {
        try {
            // It may have gone since the state was asked for.
            return agent.dirtyBytes(drive, bitmap.name()).orElse(0L);
        } catch (IOException e) {
            throw QmpException.generic("drive '" + drive + "': the bits of bitmap '" + bitmap.name()
                    + "' can't be counted: " + e.getMessage());
        }
    }
}
