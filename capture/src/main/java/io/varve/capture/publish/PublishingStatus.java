package io.varve.capture.publish;

import java.util.Optional;

/**
 * How an agent and Kafka get along.
 *
 * @param problem why Kafka isn't connected, in one sentence; empty when it is
 * @param waitingControls how many control events of all drives the log doesn't have yet
 */
public record PublishingStatus(Optional<String> problem, long waitingControls) {
    public boolean isConnected() {
        return problem.isEmpty();
    }
}
