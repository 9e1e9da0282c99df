package io.varve.capture.job;

import io.varve.capture.backend.qcow2.BackingRule;
import io.varve.capture.journal.DurableFiles;
import io.varve.capture.node.Node;
import io.varve.capture.node.NodeGraph;
import io.varve.capture.node.NodeOptions;
import io.varve.capture.node.NodeRefusedException;
import io.varve.capture.node.NodeSnapshots;
import io.varve.capture.node.NodeSpec;
import io.varve.formats.qcow2.Backing;
import io.varve.formats.qcow2.ClusterSize;
import io.varve.formats.qcow2.ImageGeometry;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;

/**
 * The overlays of a transaction that isn't carried out yet. Guests of their devices wait until {@link #finish} or
 * {@link #undo}, one of which must follow.
 *
 * <p>Thread: guarded by the lock of {@link Jobs}.
 */
final class TakingSnapshots {
    private final NodeGraph graph;
    private final List<NodeSnapshots.Switch> switches = new ArrayList<>();
    /** Which node a device's name means to the actions that follow. */
    private final Map<String, String> moved = new HashMap<>();

    TakingSnapshots(NodeGraph graph) {
        this.graph = graph;
    }

    /** What a name means to the next action. */
    String current(String name) {
        return moved.getOrDefault(name, name);
    }

    /** Whether a node gets an overlay, or is one. */
    boolean concern(String name) {
        Optional<Node> node = graph.find(current(name));
        return switches.stream().anyMatch(s -> node.equals(Optional.of(s.base())) || node.equals(s.overlay()));
    }

    /** Its guests and exports come to it only in the end, so another one over it would miss them. */
    private void checkNoOverlay(Node base, String called) throws NodeRefusedException {
        if (switches.stream().anyMatch(s -> s.overlay().filter(base::equals).isPresent())) {
            throw new NodeRefusedException(
                    "Node '" + called + "' can't get two overlays in one transaction: take them one after the other");
        }
    }

    /** Opens an overlay; later actions see it. */
    void take(JobAction.Snapshot snapshot) throws NodeRefusedException {
        Node base = graph.get(snapshot.device().map(this::current), snapshot.nodeName());
        String called = snapshot.device().or(snapshot::nodeName).orElse(base.name());
        graph.snapshots().check(base, called);
        checkNoOverlay(base, called);
        checkName(snapshot);
        boolean isQcow2 = snapshot.format().equals("qcow2");
        if (!isQcow2 && !snapshot.format().equals("raw")) {
            boolean isExisting = snapshot.mode() == JobAction.Mode.EXISTING;
            throw new NodeRefusedException(
                    (isExisting ? "Unknown driver '" : "Unknown file format '") + snapshot.format() + "'");
        }
        if (!isQcow2) {
            throw new NodeRefusedException(
                    snapshot.mode() == JobAction.Mode.EXISTING
                            ? "The overlay does not support backing images"
                            : "Backing file not supported for file format 'raw'");
        }
        Path path = path(snapshot, base);
        NodeSnapshots.Switch begun = graph.snapshots().begin(base);
        switches.add(begun);
        if (snapshot.mode() == JobAction.Mode.ABSOLUTE_PATHS) {
            create(path, base);
        }
        Node overlay = begun.open(spec(snapshot, path));
        begun.device().ifPresent(device -> moved.put(device, overlay.name()));
    }

    /** Puts a node over another one; later actions see that. */
    void take(JobAction.Overlay snapshot) throws NodeRefusedException {
        Node base = graph.get(current(snapshot.node()));
        graph.snapshots().check(base, snapshot.node());
        checkNoOverlay(base, snapshot.node());
        Node overlay = graph.get(Optional.empty(), Optional.of(snapshot.overlay()));
        NodeSnapshots.Switch begun = graph.snapshots().begin(base);
        switches.add(begun);
        begun.put(overlay);
        begun.device().ifPresent(device -> moved.put(device, overlay.name()));
    }

    private void checkName(JobAction.Snapshot snapshot) throws NodeRefusedException {
        Optional<String> wanted = snapshot.overlayName();
        if (snapshot.nodeName().isPresent() && wanted.isEmpty()) {
            throw new NodeRefusedException("New overlay node-name missing");
        }
        if (wanted.isPresent()
                && (graph.device(wanted.get()).isPresent()
                        || graph.named(wanted.get()).isPresent())) {
            throw new NodeRefusedException("New overlay node-name already in use");
        }
    }

    private Path path(JobAction.Snapshot snapshot, Node base) throws NodeRefusedException {
        try {
            Path path = TargetOpener.path(snapshot.file());
            if (snapshot.mode() == JobAction.Mode.ABSOLUTE_PATHS && TargetOpener.isSame(base.path(), path)) {
                throw new NodeRefusedException(
                        "Error: Trying to create an image with the same filename as the backing file");
            }
            new TargetOpener(graph).checkNotADrive(base, path);
            return path;
        } catch (RefusedTargetException e) {
            throw new NodeRefusedException(e.description());
        } catch (IOException e) {
            throw new NodeRefusedException("Could not open '" + snapshot.file() + "': " + TargetOpener.reason(e));
        }
    }

    private static void create(Path path, Node base) throws NodeRefusedException {
        long sizeBytes = base.backend().sizeBytes();
        // A relative name would be looked for beside the overlay.
        String name = base.path().map(file -> file.toAbsolutePath().toString()).orElseGet(base::filename);
        Optional<Backing> backing = Optional.of(new Backing(name, base.driver()));
        Optional<String> objection = ImageGeometry.objection(sizeBytes, ClusterSize.DEFAULT, backing);
        if (objection.isPresent()) {
            throw new NodeRefusedException("The overlay can't be made: it would be " + objection.get());
        }
        try {
            NewImages.qcow2(path, new ImageGeometry(sizeBytes, ClusterSize.DEFAULT, backing));
            // What guests flush into it must be found after a power failure.
            DurableFiles.force(Objects.requireNonNull(path.toAbsolutePath().getParent()));
        } catch (IOException e) {
            throw new NodeRefusedException("Could not create '" + path + "': " + TargetOpener.reason(e));
        }
    }

    private static NodeSpec.Qcow2 spec(JobAction.Snapshot snapshot, Path path) {
        return new NodeSpec.Qcow2(
                NodeOptions.DEFAULT.named(snapshot.overlayName()),
                TargetOpener.file(path),
                new NodeSpec.Backing.OfHeader(BackingRule.FOLLOW));
    }

    /** The transaction was carried out. */
    void finish() {
        switches.forEach(NodeSnapshots.Switch::finish);
    }

    /** The transaction isn't carried out: the latest first. */
    void undo() {
        switches.reversed().forEach(NodeSnapshots.Switch::undo);
    }
}
