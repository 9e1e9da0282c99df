package io.varve.capture.qmp;

import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.varve.capture.job.DriveInfo;
import io.varve.capture.job.Jobs;
import io.varve.capture.tracking.Agent;
import io.varve.core.drive.Bitmap;
import io.varve.core.drive.BitmapStatus;
import io.varve.core.drive.DriveState;
import io.varve.core.id.DriveId;
import java.io.IOException;
import java.util.List;
import java.util.Map;

/** Drives as query-block and query-named-block-nodes describe them (QAPI's BlockInfo and BlockDeviceInfo in 7.2). */
final class BlockInfo {
    private static final List<String> LIMITS = List.of("bps", "bps_rd", "bps_wr", "iops", "iops_rd", "iops_wr");

    private final Agent agent;
    private final Jobs jobs;
    private final List<DriveInfo> drives;

    BlockInfo(Agent agent, Jobs jobs, List<DriveInfo> drives) {
        this.agent = agent;
        this.jobs = jobs;
        this.drives = List.copyOf(drives);
    }

    ArrayNode blocks() throws QmpException {
        ArrayNode blocks = JsonText.object().arrayNode();
        Map<DriveId, DriveState> states = agent.states();
        for (DriveInfo drive : drives) {
            DriveState state = states.get(drive.drive());
            if (state != null) {
                ObjectNode block = blocks.addObject();
                block.put("io-status", "ok");
                block.put("device", drive.drive().value());
                block.put("locked", false);
                block.put("removable", false);
                block.set("inserted", node(drive, state));
                block.put("type", "unknown");
            }
        }
        return blocks;
    }

    ArrayNode nodes() throws QmpException {
        ArrayNode nodes = JsonText.object().arrayNode();
        Map<DriveId, DriveState> states = agent.states();
        for (DriveInfo drive : drives) {
            DriveState state = states.get(drive.drive());
            if (state != null) {
                nodes.add(node(drive, state));
            }
        }
        return nodes;
    }

    private ObjectNode node(DriveInfo drive, DriveState state) throws QmpException {
        String file = drive.image();
        ObjectNode node = JsonText.object();
        LIMITS.forEach(limit -> node.put(limit, 0));
        node.put("ro", false);
        node.put("backing_file_depth", 0);
        node.put("drv", drive.format());
        node.put("encrypted", false);
        node.put("file", file);
        node.put("node-name", drive.drive().value());
        node.put("detect_zeroes", "off");
        node.put("write_threshold", 0);
        ObjectNode cache = node.putObject("cache");
        cache.put("no-flush", false);
        cache.put("direct", false);
        cache.put("writeback", true);
        ObjectNode image = node.putObject("image");
        image.put("virtual-size", state.sizeBytes());
        image.put("filename", file);
        image.put("format", drive.format());
        ArrayNode bitmaps = bitmaps(state);
        if (!bitmaps.isEmpty()) {
            node.set("dirty-bitmaps", bitmaps);
        }
        return node;
    }

    private ArrayNode bitmaps(DriveState state) throws QmpException {
        ArrayNode bitmaps = JsonText.object().arrayNode();
        for (Bitmap bitmap : jobs.newestFirst(state)) {
            ObjectNode json = bitmaps.addObject();
            json.put("name", bitmap.name().value());
            json.put("recording", bitmap.isRecording());
            json.put("persistent", bitmap.persistent());
            json.put("busy", bitmap.status() instanceof BitmapStatus.Busy);
            json.put("granularity", bitmap.granularity().bytes());
            json.put("count", dirtyBytes(state.drive(), bitmap));
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
