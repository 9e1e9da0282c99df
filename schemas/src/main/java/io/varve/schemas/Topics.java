package io.varve.schemas;

import java.util.List;
import java.util.Map;
import org.apache.kafka.common.config.TopicConfig;

/** The topics, what they are keyed by, and their settings (design.md section 2). */
public final class Topics {
    /** The log: every drive's events, keyed by drive; kept without limit. */
    public static final String CHANGES = "varve.changes";

    /** How far each unit is, keyed by unit; the last state of each is kept. */
    public static final String SYNC_POINTS = "varve.sync-points";

    /** The sinks' queue, keyed by unit, and drive for a copy; read by the share group {@link #SINK_GROUP}. */
    public static final String BACKUP_TASKS = "varve.backup-tasks";

    /** What became of the tasks and what is asked of agents, keyed by drive. */
    public static final String BACKUP_OUTCOMES = "varve.backup-outcomes";

    /** What the archive holds, keyed by drive and sync point; a cache. */
    public static final String CATALOG = "varve.catalog";

    /** Schema ids, keyed by id; one partition. */
    public static final String SCHEMAS = "varve.schemas";

    /** The share group of the sinks. */
    public static final String SINK_GROUP = "varve-sinks";

    private static final String UNLIMITED = "-1";
    private static final String WEEK_MILLIS = Long.toString(7L * 24 * 60 * 60 * 1000);

    private Topics() {}

    /**
     * A topic to be.
     *
     * @param partitions never changes on a live topic: the order of a drive's events hangs on it
     */
    public record Topic(String name, int partitions, Map<String, String> settings) {
        public Topic {
            settings = Map.copyOf(settings);
        }
    }

    /**
     * All topics.
     *
     * @param partitions of those that grow with the drives
     */
    static List<Topic> all(int partitions) {
        return List.of(
                new Topic(CHANGES, partitions, forever()),
                new Topic(SYNC_POINTS, partitions, compacted()),
                new Topic(BACKUP_TASKS, partitions, limited()),
                new Topic(BACKUP_OUTCOMES, partitions, limited()),
                new Topic(CATALOG, 1, compacted()),
                new Topic(SCHEMAS, 1, compacted()));
    }

    /**
     * The settings of {@link #SINK_GROUP}; they must stand before its first member joins. A task that is held for
     * longer than the lock goes to another worker, so workers renew.
     */
    static Map<String, String> sinkGroup() {
        return Map.of(
                "share.auto.offset.reset", "earliest",
                "share.isolation.level", "read_committed",
                "share.record.lock.duration.ms", "60000",
                "share.delivery.count.limit", "10");
    }

    private static Map<String, String> forever() {
        return Map.of(
                TopicConfig.CLEANUP_POLICY_CONFIG, TopicConfig.CLEANUP_POLICY_DELETE,
                TopicConfig.RETENTION_MS_CONFIG, UNLIMITED,
                TopicConfig.RETENTION_BYTES_CONFIG, UNLIMITED);
    }

    private static Map<String, String> compacted() {
        return Map.of(TopicConfig.CLEANUP_POLICY_CONFIG, TopicConfig.CLEANUP_POLICY_COMPACT);
    }

    private static Map<String, String> limited() {
        return Map.of(
                TopicConfig.CLEANUP_POLICY_CONFIG,
                TopicConfig.CLEANUP_POLICY_DELETE,
                TopicConfig.RETENTION_MS_CONFIG,
                WEEK_MILLIS);
    }
}
