package io.varve.schemas;

import io.varve.schemas.Topics.Topic;
import java.io.IOException;
import java.util.Collection;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.admin.AlterConfigOp;
import org.apache.kafka.clients.admin.Config;
import org.apache.kafka.clients.admin.ConfigEntry;
import org.apache.kafka.clients.admin.NewTopic;
import org.apache.kafka.common.KafkaFuture;
import org.apache.kafka.common.config.ConfigResource;
import org.apache.kafka.common.errors.TopicExistsException;
import org.apache.kafka.common.errors.UnknownTopicOrPartitionException;

/** Makes the topics and the sinks' share group, before any role starts; harmless when they are there. */
public final class TopicSetup {
    private static final int ATTEMPTS_MAX = 150;
    private static final long PAUSE_MILLIS = 200;

    private TopicSetup() {}

    /**
     * Creates what isn't there and checks the settings of what is.
     *
     * @param partitions of the topics that grow with the drives; those that exist keep theirs
     * @param replicas of each partition
     * @throws IOException when Kafka can't or won't, or a topic exists with settings that would lose records
     */
    public static void create(Admin admin, int partitions, short replicas) throws IOException, InterruptedException {
        List<Topic> topics = Topics.all(partitions);
        createTopics(admin, topics, replicas);
        checkSettings(admin, topics);
        configureSinkGroup(admin);
    }

    private static void createTopics(Admin admin, List<Topic> topics, short replicas)
            throws IOException, InterruptedException {
        List<NewTopic> wanted = topics.stream()
                .map(t -> new NewTopic(t.name(), t.partitions(), replicas).configs(t.settings()))
                .toList();
        for (Map.Entry<String, KafkaFuture<Void>> created :
                admin.createTopics(wanted).values().entrySet()) {
            try {
                created.getValue().get();
            } catch (ExecutionException e) {
                if (!(e.getCause() instanceof TopicExistsException)) {
                    throw new IOException("the topic " + created.getKey() + " can't be made: " + reason(e), e);
                }
            }
        }
    }

    private static void checkSettings(Admin admin, List<Topic> topics) throws IOException, InterruptedException {
        Collection<ConfigResource> resources =
                topics.stream().map(t -> resource(t.name())).toList();
        Map<ConfigResource, Config> found = new HashMap<>(settings(admin, resources));
        for (Topic topic : topics) {
            Config actual = found.getOrDefault(resource(topic.name()), new Config(List.of()));
            for (Map.Entry<String, String> setting : topic.settings().entrySet()) {
                check(topic, setting, actual.get(setting.getKey()));
            }
        }
    }

    /** A busy broker may take a moment to know topics everywhere that were made just now. */
    private static Map<ConfigResource, Config> settings(Admin admin, Collection<ConfigResource> resources)
            throws IOException, InterruptedException {
        for (int attempt = 1; ; attempt++) {
            try {
                return admin.describeConfigs(resources).all().get();
            } catch (ExecutionException e) {
                if (!(e.getCause() instanceof UnknownTopicOrPartitionException) || attempt == ATTEMPTS_MAX) {
                    throw new IOException("the settings of the topics can't be read: " + reason(e), e);
                }
                TimeUnit.MILLISECONDS.sleep(PAUSE_MILLIS);
            }
        }
    }

    private static void check(Topic topic, Map.Entry<String, String> setting, ConfigEntry actual) throws IOException {
        if (!setting.getValue().equals(actual.value())) {
            throw new IOException("the topic " + topic.name() + " has " + setting.getKey() + "=" + actual.value()
                    + "; expected " + setting.getValue() + ": set it with kafka-configs.sh, or remove the topic");
        }
    }

    private static void configureSinkGroup(Admin admin) throws IOException, InterruptedException {
        List<AlterConfigOp> settings = Topics.sinkGroup().entrySet().stream()
                .map(s -> new AlterConfigOp(new ConfigEntry(s.getKey(), s.getValue()), AlterConfigOp.OpType.SET))
                .toList();
        ConfigResource group = new ConfigResource(ConfigResource.Type.GROUP, Topics.SINK_GROUP);
        try {
            admin.incrementalAlterConfigs(Map.of(group, settings)).all().get();
        } catch (ExecutionException e) {
            throw new IOException("the share group " + Topics.SINK_GROUP + " can't be configured: " + reason(e), e);
        }
    }

    private static ConfigResource resource(String topic) {
        return new ConfigResource(ConfigResource.Type.TOPIC, topic);
    }

    private static String reason(ExecutionException e) {
        return e.getCause() == null ? e.toString() : e.getCause().toString();
    }
}
