package io.varve.capture.node;

import io.varve.capture.tracking.Agent;
import io.varve.capture.tracking.DriveImage;
import io.varve.core.id.DriveId;
import java.io.IOException;
import java.util.Optional;

/** Makes guests' disks while guests may be connected: each is tracked before anybody can write to it. */
public final class TrackedDevices {
    private TrackedDevices() {}

    /**
     * Opens a disk's image, attaches to it, and offers it then.
     *
     * @throws NodeRefusedException when the image can't be opened; nothing is left then
     * @throws IOException when it can't be attached, in one sentence; nothing is left then
     */
    public static Device add(NodeGraph graph, Agent agent, DriveId drive, DriveDisk disk)
            throws NodeRefusedException, IOException {
        String id = drive.value();
        synchronized (graph) {
            if (graph.find(id).isPresent()) {
                throw new NodeRefusedException("a device or node named '" + id + "' is there already");
            }
            Node node = graph.make(disk.spec(), Node.Owner.DEVICE);
            try {
                track(agent, drive, node, disk.use());
                return graph.offer(new Device(id, Optional.of(node), disk.granularityBytes(), ""));
            } catch (IOException | RuntimeException e) {
                graph.drop(node);
                throw e;
            }
        }
    }

    /** Takes a device away, and its node with it if that came with the device. */
    public static void remove(NodeGraph graph, String id) throws NodeRefusedException {
        synchronized (graph) {
            Optional<Node> node = graph.withdraw(id).flatMap(Device::node);
            if (node.isPresent() && node.get().owner() == Node.Owner.DEVICE) {
                graph.drop(node.get());
            }
        }
    }

    private static void track(Agent agent, DriveId drive, Node node, DriveImage.Use use) throws IOException {
        BorrowedBackend backend = new BorrowedBackend(node.backend());
        node.io()
                .track(
                        () -> agent.track(new DriveImage(drive, node.filename(), node.path(), use, backend)),
                        DeviceTable.HOLD_NANOS_MAX);
        node.drive(drive);
    }
}
