package io.varve.capture.node;

import java.io.IOException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Puts overlays over nodes while guests write to their devices.
 *
 * <p>From {@link #begin} on guests' writes wait, until {@link Switch#finish} or {@link Switch#undo}: so each is in the
 * lower image and its bitmaps, or in the overlay and those. All that was acknowledged is durable in the lower image
 * before the overlay takes its first write, since no later flush of a guest reaches the lower one.
 *
 * <p>Block exports of the node follow to the overlay, as QEMU's do; their clients' writes wait with the guests'.
 *
 * <p>Thread: safe for any thread; takes the lock of {@link NodeGraph}.
 */
public final class NodeSnapshots {
    static final NodeUse USE = new NodeUse.Job("snapshot");

    private static final Logger LOG = LoggerFactory.getLogger(NodeSnapshots.class);

    private final NodeGraph graph;
    private final NodeChanges changes;
    private final DeviceTable devices;

    NodeSnapshots(NodeGraph graph, NodeChanges changes, DeviceTable devices) {
        this.graph = graph;
        this.changes = changes;
        this.devices = devices;
    }

    /**
     * Why a node can't get an overlay now.
     *
     * @throws NodeRefusedException where QEMU 7.2 refuses it, in its words
     */
    public void check(Node node, String called) throws NodeRefusedException {
        synchronized (graph) {
            for (NodeUse use : node.uses()) {
                if (use instanceof NodeUse.Job) {
                    throw new NodeRefusedException("Node '" + called + "' is busy: " + use.reason());
                }
                if (use instanceof NodeUse.Export export && export.way().isEmpty()) {
                    throw new NodeRefusedException("Node '" + called + "' can't get an overlay: block export '"
                            + export.id() + "' offers a bitmap of it; delete the export, and make it anew afterwards");
                }
            }
            if (!node.parents().isEmpty()) {
                throw new NodeRefusedException("Node '" + called + "' can't get an overlay: node '"
                        + node.parents().getFirst().name() + "' is over it already");
            }
        }
    }

    /**
     * Has guests wait, and makes what they have written durable.
     *
     * @throws NodeRefusedException when that fails; then nobody waits
     */
    public Switch begin(Node base) throws NodeRefusedException {
        synchronized (graph) {
            Optional<Device> device = devices.over(base);
            if (device.isPresent()) {
                devices.hold(device.get());
            }
            Switch begun = new Switch(base, device);
            base.begin(USE);
            try {
                begun.holdExports();
                new AwaitedChanges(base.io()).flush(DeviceTable.HOLD_NANOS_MAX);
            } catch (IOException e) {
                begun.undo();
                throw new NodeRefusedException("An IO error has occurred");
            } catch (NodeRefusedException e) {
                begun.undo();
                throw e;
            }
            return begun;
        }
    }

    /** One overlay on its way. */
    public final class Switch {
        private final Node base;
        private final Optional<Device> device;
        private final List<NodeUse.Export> held = new ArrayList<>();
        private Optional<Node> overlay = Optional.empty();
        private boolean isGiven;

        private Switch(Node base, Optional<Device> device) {
            this.base = base;
            this.device = device;
        }

        private void holdExports() throws NodeRefusedException {
            for (NodeUse use : base.uses()) {
                if (use instanceof NodeUse.Export export && export.way().isPresent()) {
                    if (!export.way().get().hold(DeviceTable.HOLD_NANOS_MAX)) {
                        throw new NodeRefusedException("Block export '" + export.id()
                                + "' has writes in flight that haven't ended within "
                                + Duration.ofNanos(DeviceTable.HOLD_NANOS_MAX).toSeconds()
                                + " s, and its node can't be changed before: try again when its storage answers");
                    }
                    held.add(export);
                }
            }
        }

        private void letExportsGo() {
            held.forEach(export -> export.way().orElseThrow().letGo());
        }

        /** Those that somebody deleted meanwhile aren't in the way any more. */
        private void moveExports(Node over) {
            for (NodeUse.Export export : held) {
                if (base.uses().contains(export)) {
                    base.end(export);
                    over.begin(export);
                    export.way().orElseThrow().replace(over);
                }
            }
            letExportsGo();
        }

        public Node base() {
            return base;
        }

        /** The name of the device that is to be over the overlay, if there's one. */
        public Optional<String> device() {
            return device.map(Device::id);
        }

        /** The overlay, once it's open. */
        public Optional<Node> overlay() {
            return overlay;
        }

        /**
         * Opens the overlay's image over the node; guests don't see it yet.
         *
         * @throws NodeRefusedException when it can't be opened; {@link #undo} must follow all the same
         */
        public Node open(NodeSpec.Qcow2 image) throws NodeRefusedException {
            NodeSpec spec = new NodeSpec.Qcow2(
                    image.options(),
                    image.file(),
                    new NodeSpec.Backing.Given(new NodeSpec.ChildSpec.Reference(base.name())));
            Node node = graph.addForJob(spec);
            overlay = Optional.of(node);
            checkSize(node);
            return node;
        }

        private void checkSize(Node node) throws NodeRefusedException {
            if (node.backend().sizeBytes() != base.backend().sizeBytes()) {
                throw new NodeRefusedException("The overlay has "
                        + node.backend().sizeBytes() + " bytes and what it is to be over "
                        + base.backend().sizeBytes() + ": guests would see another disk");
            }
        }

        /**
         * Puts a node that's there over the other one; guests don't see it yet.
         *
         * @throws NodeRefusedException when it can't be; {@link #undo} must follow all the same
         */
        public void put(Node node) throws NodeRefusedException {
            synchronized (graph) {
                boolean isUsed = devices.over(node).isPresent()
                        || !node.parents().isEmpty()
                        || !node.uses().isEmpty();
                if (isUsed || node.equals(base)) {
                    throw new NodeRefusedException("The overlay is already in use");
                }
                if (node.backing().isPresent()) {
                    throw new NodeRefusedException("The overlay already has a backing image");
                }
                if (!(node.spec() instanceof NodeSpec.Qcow2)) {
                    throw new NodeRefusedException("The overlay does not support backing images");
                }
                if (node.isReadOnly()) {
                    throw new NodeRefusedException("Block node is read-only");
                }
                checkSize(node);
                node.child(Node.BACKING, base);
                overlay = Optional.of(node);
                isGiven = true;
                changes.reopen(node, node.spec());
            }
        }

        private void takeOff(Node node) {
            node.childless(Node.BACKING);
            try {
                changes.reopen(node, node.spec());
            } catch (NodeRefusedException e) {
                LOG.warn("node '{}' couldn't be opened again by itself: {}", node.name(), e.description());
            }
        }

        /** Guests write to the overlay from now on, and what is under it is read only. */
        public void finish() {
            synchronized (graph) {
                Node over = overlay.orElseThrow();
                base.end(USE);
                if (!isGiven) {
                    over.owner(device.isPresent() ? Node.Owner.DEVICE : Node.Owner.MONITOR);
                }
                if (base.owner() == Node.Owner.DEVICE) {
                    base.owner(Node.Owner.PARENT);
                }
                device.ifPresent(d -> {
                    devices.replace(d, over);
                    devices.letGo(d);
                });
                moveExports(over);
                close();
            }
        }

        /** Nobody writes to it any more; its bitmaps are stored in it. */
        private void close() {
            if (base.isReadOnly()) {
                return;
            }
            try {
                changes.reopen(base, base.spec().with(base.spec().options().readOnly(true)));
            } catch (NodeRefusedException e) {
                base.io().readOnly(true);
                LOG.warn(
                        "node '{}' is under an overlay now, but couldn't be opened for reading alone: {}",
                        base.name(),
                        e.description());
            }
        }

        /** Takes the overlay away, and lets guests write to the node as before. */
        public void undo() {
            synchronized (graph) {
                if (isGiven) {
                    overlay.ifPresent(this::takeOff);
                } else {
                    overlay.ifPresent(graph::dropAfterJob);
                }
                base.end(USE);
                letExportsGo();
                device.ifPresent(devices::letGo);
            }
        }
    }
}
