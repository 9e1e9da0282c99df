package io.varve.capture;

import io.varve.capture.node.NodeSpec;
import io.varve.capture.tracking.DriveImage;
import java.util.List;
import java.util.Optional;

/**
 * The nodes and disks that an agent starts with, in the order in which they are made.
 *
 * @param offersNodes whether guests reach nodes by their names, too, and not only disks by theirs
 */
public record GraphPlan(List<NodeSpec> nodes, List<Disk> disks, boolean offersNodes) {
    public GraphPlan {
        nodes = List.copyOf(nodes);
        disks = List.copyOf(disks);
    }

    /**
     * A disk of a guest.
     *
     * @param granularityBytes of bitmaps that are added without one
     * @param model QMP's path of a device that stands over a drive; empty for the drive itself
     */
    public record Disk(String id, Medium medium, Optional<Long> granularityBytes, String model) {}

    /** What is in a disk. */
    public sealed interface Medium {
        record Own(NodeSpec spec, DriveImage.Use use) implements Medium {}

        /** As its own, unless another agent has it still: then it's opened when that one has handed it over. */
        record Awaited(NodeSpec spec, DriveImage.Use use) implements Medium {}

        /** A node, or what is in another disk. */
        record Shared(String name) implements Medium {}

        record None() implements Medium {}
    }
}
