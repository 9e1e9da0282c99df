package io.varve.capture.node;

import io.varve.formats.qcow2.Backing;
import java.util.List;
import java.util.Optional;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * What a commit does to the graph: its images are kept from others, the base gets writable, and in the end the images
 * that were committed go, or a device changes over to the base while its guest writes.
 *
 * <p>Until that end nothing that's read through the chain changes: what the base gets is hidden by the image it comes
 * from. So a commit may break off at any time, also when the agent is killed.
 *
 * <p>Thread: safe for any thread; takes the lock of {@link NodeGraph}.
 */
public final class NodeCommits {
    private static final Logger LOG = LoggerFactory.getLogger(NodeCommits.class);
    private static final NodeUse USE = new NodeUse.Job("commit");

    private final NodeGraph graph;
    private final NodeChanges changes;
    private final DeviceTable devices;

    NodeCommits(NodeGraph graph, NodeChanges changes, DeviceTable devices) {
        this.graph = graph;
        this.changes = changes;
        this.devices = devices;
    }

    /**
     * Finds the images and takes them; {@link Commit#end} gives them free.
     *
     * @throws NodeRefusedException where QEMU 7.2 refuses it, in its words; nothing has changed then
     */
    public Commit begin(CommitOrder order) throws NodeRefusedException {
        synchronized (graph) {
            CommitChain chain = CommitChain.find(graph, order);
            boolean wasReadOnly = chain.base().isReadOnly();
            if (wasReadOnly) {
                readOnly(chain.base(), false);
            }
            Commit commit = new Commit(chain, order, wasReadOnly);
            try {
                if (order.filterName().isPresent()) {
                    String _ = graph.alias(order.filterName(), chain.top());
                }
            } catch (NodeRefusedException e) {
                commit.restoreBase();
                throw e;
            }
            chain.members().forEach(node -> node.begin(USE));
            return commit;
        }
    }

    /** Whether a commit or a snapshot has a node: then nobody else may change what's over it or under it. */
    static void checkFree(Node node) throws NodeRefusedException {
        for (NodeUse use : List.of(USE, NodeSnapshots.USE)) {
            if (node.uses().contains(use)) {
                throw new NodeRefusedException("Node '" + node.name() + "' is busy: " + use.reason());
            }
        }
    }

    private void readOnly(Node node, boolean isReadOnly) throws NodeRefusedException {
        changes.reopen(node, node.spec().with(node.spec().options().readOnly(isReadOnly)));
    }

    /** A commit that's under way. */
    public final class Commit {
        private final CommitChain chain;
        private final List<Node> members;
        private final List<Node> layers;
        private final Optional<Node> overlay;
        private final CommitOrder order;
        private final boolean wasReadOnly;
        private final Optional<Device> device;
        private boolean isSwitchedOver;
        private boolean isHeld;
        private boolean isOver;

        private Commit(CommitChain chain, CommitOrder order, boolean wasReadOnly) {
            this.chain = chain;
            this.members = chain.members();
            this.layers = List.copyOf(chain.layers());
            this.overlay = chain.overlay();
            this.order = order;
            this.wasReadOnly = wasReadOnly;
            this.device = devices.over(chain.root());
        }

        /** The default id of its job: the device's, or nothing where a client named a node. */
        public String device() {
            return device.filter(d -> d.model().isEmpty()).map(Device::id).orElse("");
        }

        /** Whether guests may write to what's committed. */
        public boolean isActive() {
            return chain.isActive();
        }

        public Node top() {
            return chain.top();
        }

        public Node base() {
            return chain.base();
        }

        /** The images whose content is committed, the uppermost first. */
        public List<Node> layers() {
            return layers;
        }

        /**
         * Gives the base at least the size of what it gets.
         *
         * @throws NodeRefusedException when it can't be had
         */
        public void grow() throws NodeRefusedException {
            synchronized (graph) {
                long sizeBytes = top().backend().sizeBytes();
                if (sizeBytes > base().backend().sizeBytes()) {
                    changes.resize(base(), sizeBytes);
                }
            }
        }

        /**
         * Has guests wait until {@link #letGo} or {@link #switchOver}; those of their changes that are in flight have
         * ended.
         *
         * @throws NodeRefusedException when they don't end soon; then nobody waits
         */
        public void hold() throws NodeRefusedException {
            synchronized (graph) {
                if (device.isPresent()) {
                    devices.hold(device.get());
                    isHeld = true;
                }
            }
        }

        /** Guests go on as before. */
        public void letGo() {
            synchronized (graph) {
                if (isHeld) {
                    isHeld = false;
                    device.ifPresent(devices::letGo);
                }
            }
        }

        /**
         * Puts the base under the device instead of the active image; it has the same content, durably, and guests wait
         * since then. The images that came with the device go.
         */
        public void switchOver() {
            synchronized (graph) {
                isSwitchedOver = device.isPresent();
                device.ifPresent(d -> {
                    if (base().owner() == Node.Owner.PARENT) {
                        base().owner(Node.Owner.DEVICE);
                    }
                    devices.replace(d, base());
                });
                letGo();
                if (isSwitchedOver) {
                    drop();
                }
            }
        }

        /**
         * Takes the committed images out from between the overlay and the base, which has their content, durably.
         *
         * @throws NodeRefusedException when the overlay's header can't name the base; all is as before then
         */
        public void leaveOut() throws NodeRefusedException {
            synchronized (graph) {
                Node over = overlay.orElseThrow();
                String name = order.backingFile()
                        .or(() ->
                                base().path().map(path -> path.toAbsolutePath().toString()))
                        .orElseGet(base()::filename);
                try {
                    changes.rebase(over, base(), new Backing(name, base().driver()));
                } catch (IllegalArgumentException e) {
                    throw new NodeRefusedException(String.valueOf(e.getMessage()));
                }
                drop();
            }
        }

        /** Those that somebody added by themselves stay. */
        private void drop() {
            free();
            if (top().owner() != Node.Owner.MONITOR && top().parents().isEmpty()) {
                graph.dropAfterJob(top());
            }
        }

        private void free() {
            if (!isOver) {
                isOver = true;
                members.forEach(node -> node.end(USE));
                order.filterName().ifPresent(name -> graph.unalias(name, top()));
            }
        }

        private void restoreBase() {
            if (!wasReadOnly || isSwitchedOver || base().isReadOnly()) {
                return;
            }
            try {
                readOnly(base(), true);
            } catch (NodeRefusedException e) {
                base().io().readOnly(true);
                LOG.warn(
                        "node '{}' got a commit, but couldn't be opened for reading alone again: {}",
                        base().name(),
                        e.description());
            }
        }

        /** Gives all images free, however it ended. */
        public void end() {
            synchronized (graph) {
                letGo();
                free();
                restoreBase();
            }
        }
    }
}
