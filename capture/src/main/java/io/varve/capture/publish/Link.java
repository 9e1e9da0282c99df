package io.varve.capture.publish;

import java.util.EnumMap;
import java.util.Map;
import java.util.Optional;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Whether Kafka is there, as its reader and its writer find; said once for each change. Safe for any thread. */
final class Link {
    private static final Logger LOG = LoggerFactory.getLogger(Link.class);

    private final String servers;
    private final Map<Side, String> problems = new EnumMap<>(Side.class);
    private boolean isLossTold;

    /** Who uses it. */
    enum Side {
        READER,
        WRITER
    }

    Link(String servers) {
        this.servers = servers;
        problems.put(Side.READER, "Kafka at " + servers + " hasn't answered yet");
    }

    synchronized Optional<String> problem() {
        return problems.values().stream().findFirst();
    }

    synchronized void works(Side side) {
        if (problems.remove(side) != null && problems.isEmpty()) {
            isLossTold = false;
            LOG.info("connected with Kafka at {}", servers);
        }
    }

    synchronized void fails(Side side, String reason) {
        problems.put(side, "Kafka at " + servers + " can't be used: " + reason);
        if (!isLossTold) {
            isLossTold = true;
            LOG.warn(
                    "Kafka at {} can't be used; the agent serves on, keeps what it has to say, and tries again: {}",
                    servers,
                    reason);
        }
    }
}
