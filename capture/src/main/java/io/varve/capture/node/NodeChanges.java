package io.varve.capture.node;

import io.varve.capture.backend.Backend;
import io.varve.capture.backend.qcow2.ImageGrowth;
import io.varve.capture.tracking.Agent;
import io.varve.core.id.DriveId;
import java.io.IOException;
import java.io.RandomAccessFile;
import java.nio.file.Path;
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
        long before = node.backend().sizeBytes();
        if (sizeBytes == before) {
            return;
        }
        if (sizeBytes < before) {
            throw new NodeRefusedException("'" + node.filename() + "' has " + before + " bytes; Varve makes no image"
                    + " smaller than it is while it's open: use 'qemu-img resize --shrink' while nobody has it open");
        }
        grow(node, sizeBytes);
    }

    private void grow(Node node, long sizeBytes) throws NodeRefusedException {
        Agent.Growth growth = () -> reopened(node, node.spec(), () -> lengthen(node, sizeBytes));
        try {
            Optional<DriveId> drive = node.drive();
            if (drive.isPresent()) {
                agent.grow(drive.get(), sizeBytes, growth);
            } else {
                growth.run();
            }
        } catch (IOException e) {
            throw new NodeRefusedException(String.valueOf(e.getMessage()));
        }
    }

    private static void lengthen(Node node, long sizeBytes) throws IOException {
        Path path = node.path()
                .orElseThrow(() -> new IOException("'" + node.filename() + "' is no file, and can't be resized"));
        switch (node.spec()) {
            case NodeSpec.Qcow2 _ -> ImageGrowth.grow(path, sizeBytes);
            case NodeSpec.Raw _, NodeSpec.FileNode _, NodeSpec.Blkdebug _ -> {
                try (RandomAccessFile file = new RandomAccessFile(path.toFile(), "rw")) {
                    file.setLength(sizeBytes);
                }
            }
            case NodeSpec.NullCo _, NodeSpec.Nbd _ ->
                throw new IOException("'" + node.filename() + "' can't be resized");
        }
    }

    /** Opens a node again, by another specification. */
    void reopen(Node node, NodeSpec spec) throws NodeRefusedException {
        try {
            reopened(node, spec, () -> {});
        } catch (IOException e) {
            throw new NodeRefusedException(String.valueOf(e.getMessage()));
        }
        node.spec(spec);
    }

    private void reopened(Node node, NodeSpec spec, Agent.Growth meanwhile) throws IOException {
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

    private static void checkIdle(Node node, String called) throws NodeRefusedException {
        for (NodeUse use : node.uses()) {
            if (use instanceof NodeUse.Job) {
                throw new NodeRefusedException("Node '" + called + "' is busy: " + use.reason());
            }
        }
    }
}
