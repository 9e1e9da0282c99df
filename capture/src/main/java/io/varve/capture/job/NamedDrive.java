package io.varve.capture.job;

import io.varve.capture.node.Node;
import io.varve.capture.node.NodeGraph;
import io.varve.capture.tracking.Agent;
import io.varve.capture.tracking.DriveImage;
import io.varve.core.drive.DriveState;
import io.varve.core.id.DriveId;
import java.io.IOException;
import java.util.Optional;

/** What a client means that names a drive, or the node that it is: it's tracked from here on. */
public sealed interface NamedDrive {
    /** A drive with a log. */
    record Found(DriveState state) implements NamedDrive {}

    /** There's none, or the name means another one. */
    record Refused(String description) implements NamedDrive {}

    /** Finds a drive. Thread: as {@link Jobs}. */
    static NamedDrive find(Agent agent, NodeGraph graph, String name) {
        Optional<Node> node = graph.find(name);
        try {
            // An overlay that came over a drive has a log of its own, which begins now.
            if (node.isPresent() && graph.deviceOver(node.get()).isPresent()) {
                DriveId _ = graph.track(node.get(), DriveImage.Use.UNKNOWN);
            }
        } catch (IOException e) {
            return new Refused(String.valueOf(e.getMessage()));
        }
        Optional<DriveState> state = node.flatMap(Node::drive).flatMap(agent::state);
        if (state.isEmpty()) {
            return new Refused("Cannot find device='" + name + "' nor node-name='" + name + "'");
        }
        Optional<Node> meant = graph.find(state.get().drive().value());
        if (meant.isPresent() && !meant.equals(node)) {
            return new Refused("node '" + name + "' is under an overlay of drive '"
                    + state.get().drive() + "' now, and has that one's log: back up the drive, or commit the"
                    + " overlay first");
        }
        return new Found(state.get());
    }
}
