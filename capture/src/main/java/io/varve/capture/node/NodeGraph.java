package io.varve.capture.node;

import io.varve.capture.backend.Backend;
import io.varve.capture.backend.BackendAccess;
import io.varve.capture.nbd.BackendExport;
import io.varve.capture.nbd.Export;
import io.varve.capture.node.NodeSpec.ChildSpec;
import io.varve.capture.tracking.Agent;
import io.varve.capture.tracking.DriveImage;
import io.varve.core.bits.Marks;
import io.varve.core.id.DriveId;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.CopyOnWriteArrayList;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * All block nodes and devices of an agent: who is over whom, who may go, and which of them the agent tracks.
 *
 * <p>A node is tracked from the moment on when it gets a bitmap or is a backup's source, or at once when an earlier run
 * left something of it; see {@code docs/adr/0004-nodes-are-tracked-when-they-need-it.md}.
 *
 * <p>Thread: safe for any thread; takes the agent's control lock within its own, never the other way round.
 */
public final class NodeGraph {
    private static final Logger LOG = LoggerFactory.getLogger(NodeGraph.class);

    private final Agent agent;
    private final NodeNames names;
    private final NodeOpener opener;
    private final NodeChanges changes;
    private final NodeTracking tracking;
    private final Map<String, Node> nodes = new LinkedHashMap<>();
    private final Map<String, Node> aliases = new HashMap<>();
    private final DeviceTable devices;
    private final List<NodeListener> listeners = new CopyOnWriteArrayList<>();
    private final NodeSnapshots snapshots;
    private final NodeCommits commits;

    /** No nodes yet. */
    public NodeGraph(Agent agent) {
        this.agent = agent;
        this.devices = new DeviceTable(agent.surroundings().nanos());
        this.names = new NodeNames(agent.surroundings().random());
        this.opener = new NodeOpener(new Children(), agent.surroundings().nanos());
        this.changes = new NodeChanges(agent, opener);
        this.tracking = new NodeTracking(agent, devices);
        this.snapshots = new NodeSnapshots(this, changes, devices);
        this.commits = new NodeCommits(this, changes, devices);
    }

    /** Has {@code listener} told of all nodes and devices that come and go from now on. */
    public void listen(NodeListener listener) {
        listeners.add(listener);
    }

    /** How overlays get over nodes that guests write to. */
    public NodeSnapshots snapshots() {
        return snapshots;
    }

    public NodeCommits commits() {
        return commits;
    }

    /** QMP's blockdev-add. */
    public synchronized Node add(NodeSpec spec) throws NodeRefusedException {
        if (spec.options().name().isEmpty()) {
            throw new NodeRefusedException("'node-name' must be specified for the root node");
        }
        return make(spec, Node.Owner.MONITOR);
    }

    /** A node that a job needs for itself; {@link #dropAfterJob} takes it away. */
    public synchronized Node addForJob(NodeSpec spec) throws NodeRefusedException {
        return make(spec, Node.Owner.JOB);
    }

    /** What can't be closed in order is logged: the job has ended already. */
    public synchronized void dropAfterJob(Node node) {
        try {
            drop(node);
        } catch (NodeRefusedException e) {
            LOG.warn("node '{}' couldn't be closed in order: {}", node.name(), e.description());
        }
    }

    /** A guest's disk with an image of its own. */
    public synchronized Device addDevice(String id, NodeSpec spec, Optional<Long> granularityBytes)
            throws NodeRefusedException {
        NameChecks.device(id, devices, nodes);
        Node node = make(spec, Node.Owner.DEVICE);
        return offer(new Device(id, Optional.of(node), granularityBytes, ""));
    }

    /** A guest's disk over a node that's there, or an empty one. */
    public synchronized Device addDevice(String id, Optional<Node> node, String model) throws NodeRefusedException {
        NameChecks.device(id, devices, nodes);
        return offer(new Device(id, node, Optional.empty(), model));
    }

    /**
     * A guest's disk with a raw image that somebody has opened, tracked from here on; the agent closes it.
     *
     * @throws IOException in one sentence; the backend stays open then
     */
    public synchronized Device adopt(String id, Path image, Backend backend) throws IOException {
        NodeSpec file = new NodeSpec.FileNode(NodeOptions.DEFAULT, "file", image.toString());
        Node below = announced(entered(
                file, Node.Owner.PARENT, names.generate(), new NodeOpener.Opened(new NodeBackend(backend), Map.of())));
        NodeSpec raw = new NodeSpec.Raw(NodeOptions.DEFAULT, new ChildSpec.Inline(file));
        Node node = announced(entered(
                raw,
                Node.Owner.DEVICE,
                names.generate(),
                new NodeOpener.Opened(new NodeBackend(backend), Map.of(Node.FILE, below))));
        DriveId drive = NodeNames.drive(id);
        node.io().track(() -> agent.track(new DriveImage(drive, image, backend)), DeviceTable.HOLD_NANOS_MAX);
        node.drive(drive);
        return offer(new Device(id, Optional.of(node), Optional.empty(), ""));
    }

    Device offer(Device device) {
        devices.add(device).ifPresent(io -> listeners.forEach(listener -> listener.offered(device.id(), io, true)));
        return device;
    }

    /** A device is no more; its node stays. */
    Optional<Device> withdraw(String id) {
        listeners.forEach(listener -> listener.withdrawn(id));
        return devices.remove(id);
    }

    /** Puts another node under a device (QEMU's {@code qom-set} of {@code drive}). */
    public synchronized void replace(String id, Node node) throws NodeRefusedException {
        Device device = devices.get(id).orElseThrow(() -> new NodeRefusedException("Device '" + id + "' not found"));
        NodeCommits.checkFree(node);
        if (device.node().isEmpty()) {
            Device _ = offer(device.with(node));
            return;
        }
        NodeCommits.checkFree(device.node().get());
        devices.hold(device);
        devices.replace(device, node);
        devices.letGo(device);
    }

    /** QMP's blockdev-del. */
    public synchronized void delete(String name) throws NodeRefusedException {
        Node node = named(name)
                .orElseThrow(() -> new NodeRefusedException("Failed to find node with node-name='" + name + "'"));
        if (deviceOver(node).isPresent() || node.uses().stream().anyMatch(NodeUse.Export.class::isInstance)) {
            throw new NodeRefusedException("Node " + name + " is in use");
        }
        NodeChanges.checkIdle(node, name);
        if (node.owner() != Node.Owner.MONITOR) {
            throw new NodeRefusedException("Node " + name + " is not owned by the monitor");
        }
        if (!node.parents().isEmpty() || !node.uses().isEmpty()) {
            throw new NodeRefusedException("Block device " + name + " is in use");
        }
        drop(node);
    }

    /** By the name of a device, or else of a node; as QEMU looks one up. */
    public synchronized Optional<Node> find(String deviceOrNode) {
        Optional<Device> device = devices.named(deviceOrNode);
        return device.isEmpty() ? named(deviceOrNode) : device.get().node();
    }

    public synchronized Optional<Node> named(String name) {
        return Optional.ofNullable(nodes.getOrDefault(name, aliases.get(name)));
    }

    public synchronized Optional<Device> device(String id) {
        return devices.get(id);
    }

    /** The node that the agent tracks under this name. */
    public synchronized Optional<Node> tracked(DriveId drive) {
        Optional<DriveId> wanted = Optional.of(drive);
        return nodes.values().stream().filter(n -> n.drive().equals(wanted)).findFirst();
    }

    /** The latest comes first, as in QEMU. */
    public synchronized List<Node> newestFirst() {
        return new ArrayList<>(nodes.values()).reversed();
    }

    /** The oldest first. */
    public synchronized List<Device> devices() {
        return devices.all();
    }

    /**
     * Finds a node for QEMU's commands that say it this way when there is none.
     *
     * @throws NodeRefusedException also when the device has no medium
     */
    public synchronized Node get(String deviceOrNode) throws NodeRefusedException {
        if (devices.named(deviceOrNode).isPresent() && find(deviceOrNode).isEmpty()) {
            throw new NodeRefusedException("Device '" + deviceOrNode + "' has no medium");
        }
        return find(deviceOrNode)
                .orElseThrow(() -> new NodeRefusedException(
                        "Cannot find device='" + deviceOrNode + "' nor node-name='" + deviceOrNode + "'"));
    }

    /**
     * Finds a node for QEMU's commands that take a device or a node's name.
     *
     * @throws NodeRefusedException when there's none
     */
    public synchronized Node get(Optional<String> device, Optional<String> nodeName) throws NodeRefusedException {
        if (device.flatMap(devices::named).isPresent()) {
            return get(device.get());
        }
        return nodeName.flatMap(this::named)
                .or(() -> device.flatMap(this::named))
                .orElseThrow(() -> new NodeRefusedException(
                        "Cannot find device='" + device.orElse("") + "' nor node-name='" + nodeName.orElse("") + "'"));
    }

    /** QMP's block_resize. */
    public synchronized void resize(Node node, long sizeBytes) throws NodeRefusedException {
        changes.resize(node, deviceOver(node).map(Device::id).orElse(node.name()), sizeBytes);
    }

    /** QMP's blockdev-reopen of one node: all of its options are given anew. */
    public synchronized void reopen(NodeSpec spec) throws NodeRefusedException {
        String name = spec.options().name().orElseThrow(() -> new NodeRefusedException("node-name not specified"));
        Node node = named(name)
                .orElseThrow(() -> new NodeRefusedException("Failed to find node with node-name='" + name + "'"));
        if (!node.driver().equals(spec.driver())) {
            throw new NodeRefusedException("Cannot change the option 'driver'");
        }
        changes.reopen(node, spec);
    }

    public synchronized String described(Node node) {
        return devices.described(node);
    }

    /** The way of a guest's changes to a node: that of the device over it, or its own. */
    public synchronized Export guests(Node node) {
        return devices.over(node).flatMap(devices::io).<Export>map(io -> io).orElse(node.io());
    }

    /** The device over a node, if there's one. */
    public synchronized Optional<Device> deviceOver(Node node) {
        return devices.over(node);
    }

    /** Marks a node as used; {@link #end} undoes it. */
    public synchronized void begin(Node node, NodeUse use) throws NodeRefusedException {
        // Another node may have its name by now.
        if (!nodes.containsValue(node)) {
            throw new NodeRefusedException("Cannot find device='' nor node-name='" + node.name() + "'");
        }
        NodeCommits.checkFree(node);
        node.begin(use);
    }

    public synchronized void end(Node node, NodeUse use) {
        node.end(use);
    }

    /** Gives a node another name, that of the filter which QEMU puts over it; {@link #unalias} takes it away. */
    public synchronized String alias(Optional<String> wanted, Node node) throws NodeRefusedException {
        NameChecks.node(wanted, devices, nodes, aliases);
        String name = wanted.orElseGet(names::generate);
        aliases.put(name, node);
        listeners.forEach(listener -> listener.offered(name, node.io(), false));
        return name;
    }

    public synchronized void unalias(String name, Node node) {
        if (aliases.remove(name, node)) {
            listeners.forEach(listener -> listener.withdrawn(name));
        }
    }

    /**
     * Has the agent track a node, if it doesn't yet: from the return on no write is missed.
     *
     * @throws IOException in one sentence; then it's as before
     */
    public synchronized DriveId track(Node node, DriveImage.Use use) throws IOException {
        return tracking.track(node, use);
    }

    /** Has the agent track a node of which something is kept: by an earlier run, or in the image itself. */
    public synchronized void trackKept(Node node) throws NodeRefusedException {
        tracking.trackKept(node);
    }

    /** Closes all nodes, those above first; the agent must have been closed before. */
    public synchronized void close() throws IOException {
        List<Node> left = newestFirst();
        nodes.clear();
        devices.clear();
        NodeChanges.closeAll(left);
    }

    Node make(NodeSpec spec, Node.Owner owner) throws NodeRefusedException {
        NameChecks.node(spec.options().name(), devices, nodes, aliases);
        List<String> before = List.copyOf(nodes.keySet());
        try {
            NodeOpener.Opened opened = opener.open(spec);
            // Generated names count up from the bottom of a tree, as in QEMU.
            Node node = entered(spec, owner, spec.options().name().orElseGet(names::generate), opened);
            if (owner != Node.Owner.DEVICE) {
                // Before anybody can write to it, as the first write would outdate what nobody looks after.
                trackKept(node);
            }
            return announced(node);
        } catch (NodeRefusedException e) {
            giveUp(before);
            throw e;
        }
    }

    private Node entered(NodeSpec spec, Node.Owner owner, String name, NodeOpener.Opened opened) {
        boolean readOnly = spec.options().readOnly();
        BackendAccess access = readOnly ? BackendAccess.READ_ONLY : BackendAccess.READ_WRITE;
        Export untracked = new BackendExport(opened.backend(), access, agent.flushes());
        NodeIo io = new NodeIo(untracked, readOnly, agent.surroundings().nanos());
        Node node = new Node(name, owner, spec, opened, io);
        node.backend().resizing(sizeBytes -> changes.resizeImage(node, sizeBytes));
        nodes.put(name, node);
        return node;
    }

    private Node announced(Node node) {
        listeners.forEach(listener -> listener.offered(node.name(), node.io(), false));
        return node;
    }

    /** Closes the children that came before what failed. */
    private void giveUp(List<String> before) throws NodeRefusedException {
        for (Node node : newestFirst()) {
            if (!before.contains(node.name())) {
                drop(node);
            }
        }
    }

    /** How nodes get theirs, with the graph's lock. */
    private final class Children implements NodeOpener.Children {
        @Override
        public Node child(ChildSpec spec, boolean readOnly) throws NodeRefusedException {
            return switch (spec) {
                case ChildSpec.Reference(String name) -> get(name);
                case ChildSpec.Inline(NodeSpec inline) ->
                    make(
                            inline.with(inline.options()
                                    .readOnly(readOnly || inline.options().readOnly())),
                            Node.Owner.PARENT);
            };
        }

        @Override
        public Marks marks(NodeSpec.BitmapOf bitmap) throws NodeRefusedException {
            return NodeBitmaps.marks(agent, find(bitmap.node()), bitmap);
        }
    }

    /** Takes a node away, and the children that came with it. */
    void drop(Node node) throws NodeRefusedException {
        nodes.remove(node.name());
        listeners.forEach(listener -> listener.withdrawn(node.name()));
        node.leave();
        try {
            if (node.drive().isPresent()) {
                agent.detach(node.drive().get());
            }
            node.backend().close();
        } catch (IOException e) {
            throw new NodeRefusedException(String.valueOf(e.getMessage()));
        } finally {
            for (Node child : node.children().values()) {
                if (child.owner() == Node.Owner.PARENT && child.parents().isEmpty()) {
                    drop(child);
                } else {
                    opener.takeBack(child);
                }
            }
        }
    }
}
