package io.varve.capture.node;

import io.varve.capture.backend.Backend;
import io.varve.capture.backend.ZeroMode;
import io.varve.capture.backend.qcow2.ImageBacking;
import io.varve.capture.backend.qcow2.ImageSize;
import io.varve.capture.tracking.Agent;
import io.varve.capture.tracking.Transacted;
import io.varve.core.id.DriveId;
import io.varve.formats.qcow2.Backing;
import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;

/** Changes nodes while they're used: their size, and how they're open. Thread: the lock of {@link NodeGraph}. */
final class NodeChanges {
    private static final int SECTOR_BYTES = 512;

    private final Agent agent;
    private final NodeOpener opener;

    NodeChanges(Agent agent, NodeOpener opener) {
        this.agent = agent;
        this.opener = opener;
    }

    /** QMP's block_resize. */
    void resize(Node node, String called, long sizeBytes) throws NodeRefusedException {
        if (sizeBytes < 0) {
            throw new NodeRefusedException("Parameter 'size' expects a >0 size");
        }
        checkIdle(node, called);
        if (node.isReadOnly()) {
            throw new NodeRefusedException("Image is read-only");
        }
        if (sizeBytes % SECTOR_BYTES != 0) {
            throw new NodeRefusedException("The new size must be a multiple of " + SECTOR_BYTES);
        }
        if (sizeBytes != node.backend().sizeBytes()) {
            resize(node, sizeBytes);
        }
    }

    /** Gives a node another size, whoever uses it; it's writable. */
    void resize(Node node, long sizeBytes) throws NodeRefusedException {
        Optional<DriveId> drive = node.drive();
        if (drive.isPresent()) {
            if (agent.resize(drive.get(), sizeBytes) instanceof Transacted.Refused(String reason)) {
                throw new NodeRefusedException(reason);
            }
            return;
        }
        try {
            boolean _ = node.backend().resize(sizeBytes);
        } catch (IOException e) {
            throw new NodeRefusedException(String.valueOf(e.getMessage()));
        }
    }

    /** What a node does when its bytes are to have another size: its format may have to open the image again. */
    boolean resizeImage(Node node, long sizeBytes) throws IOException {
        Backend open = node.backend().now();
        if (!(node.spec() instanceof NodeSpec.Qcow2)) {
            return open.resize(sizeBytes);
        }
        Path path = node.path()
                .orElseThrow(() -> new IOException("'" + node.filename() + "' is no file, and can't be resized"));
        if (sizeBytes < open.sizeBytes()) {
            // It must not be seen again when the image grows.
            open.undisturbed().zero(sizeBytes, open.sizeBytes() - sizeBytes, ZeroMode.MAY_PUNCH);
            reopened(node, node.spec(), () -> ImageSize.shrink(path, sizeBytes));
            return true;
        }
        reopened(node, node.spec(), () -> ImageSize.grow(path, sizeBytes));
        // A longer backing file shows through.
        return node.backing().isEmpty();
    }

    /** Opens a node again, by another specification; its bitmaps are stored in the image before, and loaded again. */
    void reopen(Node node, NodeSpec spec) throws NodeRefusedException {
        if (node.drive().isPresent() && !place(spec).equals(place(node.spec()))) {
            throw new NodeRefusedException("Node '" + node.name() + "' has a log of what was written to it, so its"
                    + " 'offset' and 'size' can't change: delete it, and add it under another name");
        }
        reopen(node, spec, () -> {});
    }

    /** Puts a qcow2 image over another node; its header names that from now on. */
    void rebase(Node node, Node under, Backing backing) throws NodeRefusedException {
        Path path = node.path()
                .orElseThrow(() -> new NodeRefusedException(
                        "'" + node.filename() + "' is no file, so its backing file can't be changed"));
        reopen(node, node.spec(), () -> {
            ImageBacking.change(path, backing);
            node.child(Node.BACKING, under);
        });
    }

    private void reopen(Node node, NodeSpec spec, Meanwhile meanwhile) throws NodeRefusedException {
        boolean wasReadOnly = node.isReadOnly();
        node.io().readOnly(wasReadOnly || spec.options().readOnly());
        try {
            if (node.drive().isPresent()) {
                agent.bitmaps().reopen(node.drive().get(), () -> reopened(node, spec, meanwhile));
            } else {
                reopened(node, spec, meanwhile);
            }
        } catch (IOException e) {
            node.io().readOnly(wasReadOnly);
            throw new NodeRefusedException(String.valueOf(e.getMessage()));
        }
        node.spec(spec);
    }

    /** Which part of its file a node is. */
    private static List<Object> place(NodeSpec spec) {
        return spec instanceof NodeSpec.RawPart part ? List.of(part.offsetBytes(), part.sizeBytes()) : List.of();
    }

    /** What is done while nobody has the image open. */
    private interface Meanwhile {
        void run() throws IOException;
    }

    private void reopened(Node node, NodeSpec spec, Meanwhile meanwhile) throws IOException {
        try {
            node.backend().change(open -> {
                open.close();
                try {
                    meanwhile.run();
                    return opener.again(node, spec);
                } catch (IOException | NodeRefusedException e) {
                    // As it was, so that guests go on.
                    return restored(node, e);
                }
            });
        } catch (NodeRefusedException e) {
            throw new IOException(e.description(), e);
        }
    }

    private Backend restored(Node node, Exception failure) throws NodeRefusedException {
        Backend backend = opener.again(node, node.spec());
        Backend _ = node.backend().replace(backend);
        throw new NodeRefusedException(String.valueOf(failure.getMessage()));
    }

    /** Refuses what no block job lets happen. */
    static void checkIdle(Node node, String called) throws NodeRefusedException {
        for (NodeUse use : node.uses()) {
            if (use instanceof NodeUse.Job) {
                throw new NodeRefusedException("Node '" + called + "' is busy: " + use.reason());
            }
            if (use instanceof NodeUse.Export) {
                String who = "an unnamed block device (uses node '" + node.name() + "' as 'root' child)";
                throw new NodeRefusedException("Permission conflict on node '" + node.name()
                        + "': permissions 'resize' are both required by " + who + " and unshared by " + who + ".");
            }
        }
    }

    /** Closes them in this order, all of them. */
    static void closeAll(List<Node> nodes) throws IOException {
        IOException failure = null;
        for (Node node : nodes) {
            try {
                node.backend().close();
            } catch (IOException e) {
                failure = failure == null ? e : failure;
            }
        }
        if (failure != null) {
            throw failure;
        }
    }
}
