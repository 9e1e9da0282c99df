package io.varve.capture;

import io.varve.capture.handover.HandoverDesk;
import io.varve.capture.node.Device;
import io.varve.capture.node.DriveDisk;
import io.varve.capture.node.Node;
import io.varve.capture.node.NodeGraph;
import io.varve.capture.node.NodeRefusedException;
import io.varve.capture.node.NodeSpec;
import io.varve.capture.tracking.Agent;
import io.varve.capture.tracking.DriveImage;
import io.varve.core.id.DriveId;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Makes the graph that an agent starts with. */
final class StartingGraph {
    private static final Logger LOG = LoggerFactory.getLogger(StartingGraph.class);

    private final Agent agent;
    private final NodeGraph graph;
    private final HandoverDesk handovers;
    private final List<String> notices = new ArrayList<>();

    StartingGraph(Agent agent, NodeGraph graph, HandoverDesk handovers) {
        this.agent = agent;
        this.graph = graph;
        this.handovers = handovers;
    }

    /**
     * Makes it.
     *
     * @return a sentence for each disk that isn't served from the start
     * @throws IOException in one sentence
     */
    List<String> make(GraphPlan plan) throws IOException {
        try {
            for (NodeSpec spec : plan.nodes()) {
                graph.add(spec);
            }
        } catch (NodeRefusedException e) {
            throw new IOException(e.sentence(), e);
        }
        for (GraphPlan.Disk disk : plan.disks()) {
            try {
                add(disk);
            } catch (NodeRefusedException e) {
                throw new IOException("drive '" + disk.id() + "': " + e.sentence(), e);
            }
        }
        return List.copyOf(notices);
    }

    private void tell(String notice) {
        LOG.warn("{}", notice);
        notices.add(notice);
    }

    /** A disk with an image of its own is tracked from the start on, others when they need it. */
    private void add(GraphPlan.Disk disk) throws NodeRefusedException, IOException {
        switch (disk.medium()) {
            case GraphPlan.Medium.Own(NodeSpec spec, DriveImage.Use use) -> {
                if (!isElsewhere(disk, spec, use)) {
                    own(disk, spec, use);
                }
            }
            case GraphPlan.Medium.Awaited(NodeSpec spec, DriveImage.Use use) -> {
                if (!isElsewhere(disk, spec, use)) {
                    if (agent.knew(new DriveId(disk.id()))) {
                        own(disk, spec, use);
                    } else {
                        tell("drive '" + disk.id() + "' waits for another agent to hand it over");
                    }
                }
            }
            case GraphPlan.Medium.Shared(String name) ->
                graph.addDevice(disk.id(), Optional.of(graph.get(name)), disk.model());
            case GraphPlan.Medium.None _ -> graph.addDevice(disk.id(), Optional.empty(), disk.model());
        }
    }

    /** Whether the image is another agent's, to be left alone until that one hands it over. */
    private boolean isElsewhere(GraphPlan.Disk disk, NodeSpec spec, DriveImage.Use use) throws IOException {
        if (!DriveId.isValid(disk.id())) {
            return false;
        }
        DriveId drive = new DriveId(disk.id());
        handovers.knows(drive, new DriveDisk(spec, use, disk.granularityBytes()));
        boolean isElsewhere = agent.handovers().isElsewhere(drive);
        if (isElsewhere) {
            tell("drive '" + drive + "' was handed over to another agent, and isn't served here: leave it out, or take "
                    + "it back by 'varve handover --take-back' if nobody serves it");
        }
        return isElsewhere;
    }

    private void own(GraphPlan.Disk disk, NodeSpec spec, DriveImage.Use use) throws NodeRefusedException, IOException {
        Device device = graph.addDevice(disk.id(), spec, disk.granularityBytes());
        Node node = device.node().orElseThrow();
        if (spec.options().readOnly()) {
            graph.trackKept(node);
        } else {
            DriveId _ = graph.track(node, use);
        }
    }
}
