package io.varve.embedded.stack;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ExecutionException;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.admin.AlterConfigOp;
import org.apache.kafka.clients.admin.ConfigEntry;
import org.apache.kafka.clients.admin.NewTopic;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.clients.consumer.KafkaShareConsumer;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.config.ConfigResource;
import org.apache.kafka.common.serialization.StringDeserializer;
import org.apache.kafka.common.serialization.StringSerializer;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class BrokerProcessTest {

    private static final long RESIDENT_MAX_BYTES = 300L << 20;

    @TempDir
    static Path folder;

    private static BrokerProcess broker;

    @BeforeAll
    static void start() throws Exception {
        broker = BrokerProcess.start(folder.resolve("data"), folder.resolve("broker.log"));
    }

    @AfterAll
    static void stop() {
        broker.close();
    }

    @Test
    void shouldKeepRecordsAcrossAKill() throws Exception {
        createTopic("kept");
        send("kept", "before");

        broker.killNow();
        broker.restart();
        send("kept", "after");

        assertEquals(List.of("before", "after"), read("kept", 2));
        assertTrue(ResidentMemory.ofProcessBytes(broker.process().pid()) <= RESIDENT_MAX_BYTES);
    }

    @Test
    void shouldKeepRecordsAcrossACleanStop() throws Exception {
        createTopic("stopped");
        send("stopped", "before");

        broker.restart();

        assertEquals(List.of("before"), read("stopped", 1));
    }

    @Test
    void shouldServeShareGroups() throws Exception {
        createTopic("queue");
        startAtEarliest("workers");
        send("queue", "task");

        var received = receive("queue", "workers");

        assertEquals("task", received);
    }

    private static void createTopic(String topic) throws ExecutionException, InterruptedException {
        try (var admin = Admin.create(client())) {
            admin.createTopics(List.of(new NewTopic(topic, 1, (short) 1))).all().get();
        }
    }

    private static void startAtEarliest(String group) throws ExecutionException, InterruptedException {
        var resource = new ConfigResource(ConfigResource.Type.GROUP, group);
        var earliest =
                new AlterConfigOp(new ConfigEntry("share.auto.offset.reset", "earliest"), AlterConfigOp.OpType.SET);
        try (var admin = Admin.create(client())) {
            admin.incrementalAlterConfigs(Map.of(resource, List.of(earliest)))
                    .all()
                    .get();
        }
    }

    private static void send(String topic, String value) throws ExecutionException, InterruptedException {
        try (var producer = new KafkaProducer<>(client(), new StringSerializer(), new StringSerializer())) {
            producer.send(new ProducerRecord<>(topic, value)).get();
        }
    }

    private static List<String> read(String topic, int count) {
        var partition = new TopicPartition(topic, 0);
        var values = new ArrayList<String>();
        try (var consumer = new KafkaConsumer<>(client(), new StringDeserializer(), new StringDeserializer())) {
            consumer.assign(List.of(partition));
            consumer.seekToBeginning(List.of(partition));
            while (values.size() < count) {
                consumer.poll(Duration.ofSeconds(1)).forEach(received -> values.add(received.value()));
            }
        }
        return values;
    }

    private static String receive(String topic, String group) {
        var settings = new HashMap<>(client());
        settings.put("group.id", group);
        try (var consumer = new KafkaShareConsumer<>(settings, new StringDeserializer(), new StringDeserializer())) {
            consumer.subscribe(List.of(topic));
            while (true) {
                for (var received : consumer.poll(Duration.ofSeconds(1))) {
                    return received.value();
                }
            }
        }
    }

    private static Map<String, Object> client() {
        return Map.of("bootstrap.servers", broker.bootstrapServers());
    }
}
