package io.varve.streams;

import java.nio.file.Path;
import java.time.Duration;
import java.util.Map;

/**
 * What the streams role is started with.
 *
 * @param bootstrapServers of Kafka, {@code HOST:PORT,…}
 * @param applicationId the consumer group, and the prefix of the internal topics; the same for all that share the work
 * @param stateFolder for the stores, which are rebuilt from Kafka when it's empty; one process each
 * @param commitInterval how often what was done is recorded: what a kill makes to be done again
 * @param silence after which a unit of which nothing was heard gets its tasks sent again
 * @param threads that share the partitions
 * @param client further settings of Kafka's clients
 */
public record StreamsRoleConfig(
        String bootstrapServers,
        String applicationId,
        Path stateFolder,
        Duration commitInterval,
        Duration silence,
        int threads,
        Map<String, String> client) {
    public static final String DEFAULT_APPLICATION_ID = "varve-streams";
    public static final Duration DEFAULT_COMMIT_INTERVAL = Duration.ofSeconds(5);
    public static final Duration DEFAULT_SILENCE = Duration.ofSeconds(60);

    private static final Duration COMMIT_INTERVAL_MAX = Duration.ofMinutes(5);
    private static final Duration SILENCE_MIN = Duration.ofMillis(100);
    private static final int THREADS_MAX = 64;

    public StreamsRoleConfig {
        require(!bootstrapServers.isBlank(), "kafka", "HOST:PORT", bootstrapServers);
        require(
                applicationId.matches("[A-Za-z0-9._-]{1,200}"),
                "application-id",
                "1 to 200 of the characters A-Z, a-z, 0-9, '.', '_' and '-'",
                applicationId);
        require(
                commitInterval.isPositive() && commitInterval.compareTo(COMMIT_INTERVAL_MAX) <= 0,
                "commit-interval",
                "a time up to " + COMMIT_INTERVAL_MAX,
                commitInterval);
        require(silence.compareTo(SILENCE_MIN) >= 0, "silence", "a time from " + SILENCE_MIN + " on", silence);
        require(threads >= 1 && threads <= THREADS_MAX, "threads", "1 to " + THREADS_MAX, threads);
        client = Map.copyOf(client);
    }

    /** The defaults, for one thread. */
    public static StreamsRoleConfig of(String bootstrapServers, Path stateFolder) {
        return new StreamsRoleConfig(
                bootstrapServers,
                DEFAULT_APPLICATION_ID,
                stateFolder,
                DEFAULT_COMMIT_INTERVAL,
                DEFAULT_SILENCE,
                1,
                Map.of());
    }

    private static void require(boolean holds, String name, String expected, Object actual) {
        if (!holds) {
            throw new IllegalArgumentException(name + " is '" + actual + "'; expected " + expected);
        }
    }
}
