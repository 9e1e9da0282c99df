package io.varve.capture.job;

import io.varve.capture.node.Device;
import io.varve.capture.node.Node;
import io.varve.capture.node.NodeGraph;
import io.varve.capture.node.NodeRefusedException;
import io.varve.capture.tracking.DriveImage;
import io.varve.core.bits.Granularity;
import io.varve.core.transaction.Action;
import io.varve.core.transaction.Action.MergeBitmaps.Source;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/**
 * From the names that clients use, of devices and nodes, to those that the planner knows. A name that nobody has stays
 * as it is: the planner refuses it when its turn comes.
 *
 * <p>A node that an action names is tracked from here on, so that the planner knows its state.
 */
final class NodeActions {
    private static final long GRANULARITY_MIN = 4096;

    private final NodeGraph graph;
    private final TakingSnapshots snapshots;

    /** @param snapshots that take those among the actions, in their turn */
    NodeActions(NodeGraph graph, TakingSnapshots snapshots) {
        this.graph = graph;
        this.snapshots = snapshots;
    }

    List<JobAction> resolved(List<JobAction> actions) throws NodeRefusedException {
        List<JobAction> resolved = new ArrayList<>();
        for (JobAction action : actions) {
            resolved.add(
                    switch (action) {
                        case JobAction.Plain(Action plain) -> new JobAction.Plain(plain(plain));
                        case JobAction.Backup backup -> backup(backup);
                        case JobAction.Snapshot snapshot -> {
                            checkNoBackup(resolved);
                            snapshots.take(snapshot);
                            yield snapshot;
                        }
                        case JobAction.Overlay snapshot -> {
                            checkNoBackup(resolved);
                            snapshots.take(snapshot);
                            yield snapshot;
                        }
                    });
        }
        return resolved;
    }

    private static void checkNoBackup(List<JobAction> before) throws NodeRefusedException {
        if (before.stream().anyMatch(JobAction.Backup.class::isInstance)) {
            throw new NodeRefusedException("A snapshot after a backup in one transaction isn't taken: the backup would"
                    + " read what the overlay takes over; begin the backup in the next one");
        }
    }

    private JobAction.Backup backup(JobAction.Backup backup) throws NodeRefusedException {
        Action.Backup action = backup.action();
        if (snapshots.concern(action.node())) {
            throw new NodeRefusedException("Node '" + action.node()
                    + "' gets an overlay in this transaction: begin the backup in the next one");
        }
        return new JobAction.Backup(
                new Action.Backup(
                        tracked(action.node()),
                        action.sync(),
                        action.bitmap(),
                        action.bitmapMode(),
                        action.target(),
                        action.because()),
                backup.id(),
                backup.target(),
                backup.terms());
    }

    private Action plain(Action action) throws NodeRefusedException {
        return switch (action) {
            case Action.AddBitmap(String node, var name, var granularity, var persistent, var recording) ->
                new Action.AddBitmap(
                        tracked(node), name, granularity.or(() -> granularity(node)), persistent, recording);
            case Action.RemoveBitmap(String node, String name) -> new Action.RemoveBitmap(tracked(node), name);
            case Action.ClearBitmap(String node, String name) -> new Action.ClearBitmap(tracked(node), name);
            case Action.EnableBitmap(String node, String name) -> new Action.EnableBitmap(tracked(node), name);
            case Action.DisableBitmap(String node, String name) -> new Action.DisableBitmap(tracked(node), name);
            case Action.MergeBitmaps(String node, String target, List<Source> sources) -> {
                List<Source> resolved = new ArrayList<>();
                for (Source source : sources) {
                    resolved.add(new Source(tracked(source.node()), source.name()));
                }
                yield new Action.MergeBitmaps(tracked(node), target, resolved);
            }
            case Action.Backup backup -> backup;
            case Action.Abort abort -> abort;
            case Action.Opaque opaque -> opaque;
        };
    }

    private String tracked(String name) throws NodeRefusedException {
        Optional<Node> node = graph.find(snapshots.current(name));
        if (node.isEmpty()) {
            return name;
        }
        try {
            return graph.track(node.get(), DriveImage.Use.UNKNOWN).value();
        } catch (IOException e) {
            throw new NodeRefusedException(String.valueOf(e.getMessage()));
        }
    }

    /** What the device was given, or QEMU's rule: the image's cluster size, within 4 KiB and 64 KiB. */
    private Optional<Long> granularity(String name) {
        Optional<Node> node = graph.find(snapshots.current(name));
        return node.flatMap(graph::deviceOver)
                .flatMap(Device::granularityBytes)
                .or(() -> node.flatMap(Node::qcow2)
                        .map(image -> (long) image.header().clusterSize().bytes())
                        .map(bytes -> Math.clamp(bytes, GRANULARITY_MIN, Granularity.DEFAULT.bytes())));
    }
}
