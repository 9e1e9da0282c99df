package io.varve.capture.qmp;

import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.varve.capture.job.JobFilter;
import io.varve.capture.node.Node;
import io.varve.capture.tracking.Agent;
import io.varve.core.drive.Bitmap;
import io.varve.core.drive.BitmapStatus;
import io.varve.core.drive.BitmapStatus.Busy;
import io.varve.core.drive.DriveState;
import io.varve.core.drive.Recording;
import io.varve.core.id.DriveId;
import java.io.IOException;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Optional;

/** Bitmaps as query-block and query-named-block-nodes describe them (QAPI's BlockDirtyInfo in 7.2). */
final class BitmapInfo {
    private final Agent agent;

    BitmapInfo(Agent agent) {
        this.agent = agent;
    }

    /** What is listed, in whose order: as new as {@code sequence} says. */
    private record Listed(long sequence, ObjectNode json) {}

    /**
     * A node's, the newest first. A busy one's successor has no name, and neither has what a job has still to copy.
     *
     * @param filters that jobs have over the node
     */
    ArrayNode of(Node node, List<JobFilter> filters) throws QmpException {
        ArrayNode bitmaps = JsonText.object().arrayNode();
        Optional<DriveState> state = node.drive().flatMap(agent::state);
        if (state.isEmpty()) {
            return bitmaps;
        }
        DriveId drive = state.get().drive();
        List<Listed> listed = new ArrayList<>();
        for (JobFilter filter : filters) {
            listed.add(new Listed(filter.begun().control(), internal(filter, filter.leftBytes())));
        }
        for (Bitmap bitmap : state.get().newestFirst()) {
            listed.add(new Listed(bitmap.sequence(), named(drive, bitmap)));
            if (bitmap.status() instanceof Busy busy) {
                listed.add(new Listed(busy.successorSequence(), successor(drive, bitmap, busy)));
            }
        }
        listed.stream()
                .sorted(Comparator.comparingLong(Listed::sequence).reversed())
                .forEach(each -> bitmaps.add(each.json()));
        return bitmaps;
    }

    /**
     * A backup's filter's: what of the point in time can be read through it, and what guests wrote since. For the
     * latter a generation that no bitmap needs any more is missed.
     */
    ArrayNode of(JobFilter filter) throws QmpException {
        ArrayNode bitmaps = JsonText.object().arrayNode();
        bitmaps.add(internal(filter, filter.node().backend().sizeBytes()));
        DriveId drive = filter.node().drive().orElseThrow();
        long generation = filter.begun().generation();
        bitmaps.add(internal(
                filter,
                counted(
                        drive,
                        "what was written since a backup's begin",
                        () -> Optional.of(agent.bitmaps().writtenBytes(drive, generation, filter.cluster())))));
        return bitmaps;
    }

    private static ObjectNode internal(JobFilter filter, long bytes) {
        ObjectNode json = JsonText.object();
        json.put("recording", false);
        json.put("persistent", false);
        json.put("busy", false);
        json.put("granularity", filter.cluster().bytes());
        json.put("count", filter.cluster().granules(bytes) * filter.cluster().bytes());
        return json;
    }

    private ObjectNode named(DriveId drive, Bitmap bitmap) throws QmpException {
        ObjectNode json = JsonText.object();
        json.put("name", bitmap.name().value());
        json.put("recording", bitmap.isRecording());
        json.put("persistent", bitmap.persistent());
        boolean isBusy = bitmap.status() instanceof Busy || bitmap.status() instanceof BitmapStatus.Incoming;
        json.put("busy", isBusy || agent.bitmaps().isInUse(drive, bitmap.name()));
        json.put("granularity", bitmap.granularity().bytes());
        // It may have gone since the state was asked for.
        json.put(
                "count", counted(drive, described(bitmap), () -> agent.bitmaps().dirtyBytes(drive, bitmap.name())));
        if (bitmap.status() instanceof BitmapStatus.Inconsistent) {
            json.put("inconsistent", true);
        }
        return json;
    }

    private ObjectNode successor(DriveId drive, Bitmap bitmap, Busy busy) throws QmpException {
        ObjectNode json = JsonText.object();
        json.put("recording", busy.recording() == Recording.ENABLED);
        json.put("persistent", false);
        json.put("busy", false);
        json.put("granularity", bitmap.granularity().bytes());
        json.put(
                "count", counted(drive, described(bitmap), () -> agent.bitmaps().successorBytes(drive, bitmap.name())));
        return json;
    }

    private static String described(Bitmap bitmap) {
        return "the bits of bitmap '" + bitmap.name() + "'";
    }

    private interface Count {
        Optional<Long> bytes() throws IOException;
    }

    private static long counted(DriveId drive, String what, Count count) throws QmpException {
        try {
            return count.bytes().orElse(0L);
        } catch (IOException e) {
            throw QmpException.generic("drive '" + drive + "': " + what + " can't be counted: " + e.getMessage());
        }
    }
}
