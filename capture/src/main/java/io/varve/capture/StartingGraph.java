package io.varve.capture;

import io.varve.capture.node.Device;
import io.varve.capture.node.Node;
import io.varve.capture.node.NodeGraph;
import io.varve.capture.node.NodeRefusedException;
import io.varve.capture.node.NodeSpec;
import io.varve.capture.tracking.DriveImage;
import io.varve.core.id.DriveId;
import java.io.IOException;
import java.util.Optional;

/** Makes the graph that an agent starts with. */
final class StartingGraph {
    private StartingGraph() {}

    /** @throws IOException in one sentence */
    static void make(NodeGraph graph, GraphPlan plan) throws IOException {
        try {
            for (NodeSpec spec : plan.nodes()) {
                graph.add(spec);
            }
        } catch (NodeRefusedException e) {
            throw new IOException(e.sentence(), e);
        }
        for (GraphPlan.Disk disk : plan.disks()) {
            try {
                add(graph, disk);
            } catch (NodeRefusedException e) {
                throw new IOException("drive '" + disk.id() + "': " + e.sentence(), e);
            }
        }
    }

    /** A disk with an image of its own is tracked from the start on, others when they need it. */
    private static void add(NodeGraph graph, GraphPlan.Disk disk) throws NodeRefusedException, IOException {
        switch (disk.medium()) {
            case GraphPlan.Medium.Own(NodeSpec spec, DriveImage.Use use) -> {
                Device device = graph.addDevice(disk.id(), spec, disk.granularityBytes());
                Node node = device.node().orElseThrow();
                if (spec.options().readOnly()) {
                    graph.trackKept(node);
                } else {
                    DriveId _ = graph.track(node, use);
                }
            }
            case GraphPlan.Medium.Shared(String name) ->
                graph.addDevice(disk.id(), Optional.of(graph.get(name)), disk.model());
            case GraphPlan.Medium.None _ -> graph.addDevice(disk.id(), Optional.empty(), disk.model());
        }
    }
}
