package io.varve.capture.node;

import io.varve.capture.backend.qcow2.Qcow2Backend;
import io.varve.capture.tracking.Agent;
import io.varve.capture.tracking.DriveImage;
import io.varve.core.id.DriveId;
import java.io.IOException;
import java.nio.file.Path;

/** Which nodes the agent tracks, and under which names. Thread: the lock of {@link NodeGraph}. */
final class NodeTracking {
    private final Agent agent;
    private final DeviceTable devices;

    NodeTracking(Agent agent, DeviceTable devices) {
        this.agent = agent;
        this.devices = devices;
    }

    DriveId track(Node node, DriveImage.Use use) throws IOException {
        if (node.drive().isEmpty()) {
            DriveId drive = driveOf(node);
            BorrowedBackend backend = new BorrowedBackend(node.backend());
            DriveImage image = new DriveImage(drive, node.filename(), node.path(), use, backend);
            node.io().track(() -> agent.track(image), DeviceTable.HOLD_NANOS_MAX);
            node.drive(drive);
        }
        return node.drive().orElseThrow();
    }

    void trackKept(Node node) throws NodeRefusedException {
        boolean isKept = node.isNamed() || node.isFormat();
        try {
            if (isKept && (agent.knew(driveOf(node)) || keepsBitmaps(node))) {
                DriveId _ = track(node, DriveImage.Use.UNKNOWN);
            }
        } catch (IOException e) {
            throw new NodeRefusedException(String.valueOf(e.getMessage()));
        }
    }

    private static boolean keepsBitmaps(Node node) {
        return node.qcow2()
                .map(Qcow2Backend::header)
                .filter(header -> header.bitmapCount() > 0)
                .isPresent();
    }

    /**
     * A device's log has the device's name, and a node's the node's. A name that was made for a node is another one the
     * next time: its log is named by its image.
     */
    private DriveId driveOf(Node node) {
        DriveId usual = devices.over(node)
                .filter(device -> device.model().isEmpty())
                .map(device -> NodeNames.drive(device.id()))
                .orElseGet(() -> own(node));
        // A device's node that lies under another one now keeps its log.
        return agent.state(usual).isPresent() ? own(node) : usual;
    }

    private static DriveId own(Node node) {
        return node.isNamed()
                ? NodeNames.drive(node.name())
                : node.path()
                        .map(Path::toAbsolutePath)
                        .map(path -> NodeNames.drive(path.toString()))
                        .orElseGet(() -> NodeNames.drive(node.name()));
    }
}
