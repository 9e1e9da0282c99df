package io.varve.capture.job;

import io.varve.capture.node.Node;
import io.varve.capture.node.NodeGraph;
import io.varve.capture.node.NodeRefusedException;
import io.varve.capture.tracking.Agent;
import io.varve.core.bits.Granularity;
import java.util.Optional;

/**
 * A backup's part in what clients see of its source: a filter with a name, which is the source itself here.
 *
 * <p>Thread: guarded by the lock of {@link Jobs}.
 */
final class SourceFilter {
    private final NodeGraph graph;
    private final Agent agent;
    private final Node source;
    private final Granularity cluster;
    private Optional<String> name = Optional.empty();
    private Optional<JobFilter.Begun> begun = Optional.empty();

    /** @param cluster what's copied at once */
    SourceFilter(NodeGraph graph, Agent agent, Node source, Granularity cluster) {
        this.graph = graph;
        this.agent = agent;
        this.source = source;
        this.cluster = cluster;
    }

    /** Gives the source the filter's name, or one that's made for it. */
    void insert(Optional<String> wanted) throws NodeRefusedException {
        name = Optional.of(graph.alias(wanted, source));
    }

    /** The point in time is there. */
    void begin() {
        begun = source.drive()
                .flatMap(agent::state)
                .map(state -> new JobFilter.Begun(state.control(), state.open().number()));
    }

    void remove() {
        name.ifPresent(given -> graph.unalias(given, source));
        name = Optional.empty();
    }

    /** As clients see it; empty before the point in time, and when it has gone. */
    Optional<JobFilter> shown(long leftBytes) {
        return name.flatMap(given -> begun.map(at -> new JobFilter(given, source, cluster, leftBytes, at)));
    }
}
