package io.varve.sink;

import io.varve.archive.ArchiveSettings;
import io.varve.transfer.CopyBudget;
import io.varve.transfer.source.NbdSourceOptions;
import java.time.Duration;
import java.util.Map;

/**
 * What the sink role is started with.
 *
 * @param bootstrapServers of Kafka, {@code HOST:PORT,…}
 * @param archive the backups go to; it must be there
 * @param workers tasks that are worked on at the same time, each with a thread and a consumer of its own
 * @param budget memory of one copy
 * @param heartbeat how often a worker says how far its copy is
 * @param source how snapshots are read
 * @param client further settings of Kafka's clients
 */
public record SinkConfig(
        String bootstrapServers,
        ArchiveSettings archive,
        int workers,
        CopyBudget budget,
        Duration heartbeat,
        NbdSourceOptions source,
        Map<String, String> client) {
    public static final int DEFAULT_WORKERS = 2;
    public static final Duration DEFAULT_HEARTBEAT = Duration.ofSeconds(5);

    private static final int WORKERS_MAX = 64;
    private static final Duration HEARTBEAT_MIN = Duration.ofMillis(100);
    private static final Duration HEARTBEAT_MAX = Duration.ofMinutes(1);

    public SinkConfig {
        require(!bootstrapServers.isBlank(), "kafka", "HOST:PORT", bootstrapServers);
        require(workers >= 1 && workers <= WORKERS_MAX, "workers", "1 to " + WORKERS_MAX, workers);
        require(
                heartbeat.compareTo(HEARTBEAT_MIN) >= 0 && heartbeat.compareTo(HEARTBEAT_MAX) <= 0,
                "heartbeat",
                "a time from " + HEARTBEAT_MIN + " to " + HEARTBEAT_MAX,
                heartbeat);
        require(
                budget.readBytes() > 0 && budget.partBytes() > 0,
                "copy-memory",
                "more than 0 bytes to read and for parts",
                budget);
        client = Map.copyOf(client);
    }

    /** The defaults. */
    public static SinkConfig of(String bootstrapServers, ArchiveSettings archive) {
        return new SinkConfig(
                bootstrapServers,
                archive,
                DEFAULT_WORKERS,
                CopyBudget.DEFAULT,
                DEFAULT_HEARTBEAT,
                NbdSourceOptions.DEFAULT,
                Map.of());
    }

    /** The same with another number of workers. */
    public SinkConfig withWorkers(int count) {
        return new SinkConfig(bootstrapServers, archive, count, budget, heartbeat, source, client);
    }

    private static void require(boolean holds, String name, String expected, Object actual) {
        if (!holds) {
            throw new IllegalArgumentException(name + " is '" + actual + "'; expected " + expected);
        }
    }
}
