package io.varve.schemas;

import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.Future;
import org.apache.avro.Schema;
import org.apache.avro.SchemaParseException;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.clients.producer.RecordMetadata;
import org.apache.kafka.common.KafkaException;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.errors.InterruptException;
import org.apache.kafka.common.errors.SerializationException;
import org.apache.kafka.common.serialization.StringDeserializer;
import org.apache.kafka.common.serialization.StringSerializer;

/**
 * Schema ids kept in the compacted topic {@link Topics#SCHEMAS}, of one partition: the key is the id in decimal, the
 * value the schema's JSON. One writer registers all schemas of a version before any role of it starts; the ids are the
 * same however often it does.
 *
 * <p>Safe for any thread. An id that isn't known, which a later version may have registered, makes the topic read
 * again.
 */
public final class TopicSchemaIds implements SchemaIds {
    private static final Duration POLL = Duration.ofMillis(200);
    private static final TopicPartition PARTITION = new TopicPartition(Topics.SCHEMAS, 0);

    private final Map<String, Object> client;
    private volatile SchemaTable table;

    private TopicSchemaIds(Map<String, Object> client, SchemaTable table) {
        this.client = Map.copyOf(client);
        this.table = table;
    }

    /**
     * Reads the topic to its end.
     *
     * @param client Kafka's client settings, with {@code bootstrap.servers}
     * @throws KafkaException when Kafka can't be reached within the settings' {@code default.api.timeout.ms}
     */
    public static TopicSchemaIds read(Map<String, Object> client) {
        return new TopicSchemaIds(client, readTable(client));
    }

    /**
     * Registers what the topic lacks of this version's schemas. For one writer only.
     *
     * @param client as for {@link #read}
     * @throws KafkaException when Kafka can't be reached or refuses
     */
    public static TopicSchemaIds register(Map<String, Object> client) {
        SchemaTable before = readTable(client);
        SchemaTable after = before.with(KnownSchemas.ALL);
        if (after.schemas().size() > before.schemas().size()) {
            write(client, before, after);
        }
        return new TopicSchemaIds(client, after);
    }

    @Override
    public int idOf(Schema schema) {
        return table.idOf(schema);
    }

    @Override
    public Schema schemaOf(int id) {
        if (!table.contains(id)) {
            table = readTable(client);
        }
        return table.schemaOf(id);
    }

    private static void write(Map<String, Object> client, SchemaTable before, SchemaTable after) {
        try (KafkaProducer<String, String> producer =
                new KafkaProducer<>(client, new StringSerializer(), new StringSerializer())) {
            List<Future<RecordMetadata>> sent = new ArrayList<>();
            after.schemas().forEach((id, schema) -> {
                if (!before.contains(id)) {
                    sent.add(producer.send(new ProducerRecord<>(Topics.SCHEMAS, id.toString(), schema.toString())));
                }
            });
            for (Future<RecordMetadata> record : sent) {
                record.get();
            }
        } catch (InterruptedException e) {
            throw new InterruptException(e);
        } catch (ExecutionException e) {
            throw new KafkaException("the schemas can't be registered in " + Topics.SCHEMAS, e.getCause());
        }
    }

    private static SchemaTable readTable(Map<String, Object> client) {
        SortedMap<Integer, Schema> schemas = new TreeMap<>();
        try (KafkaConsumer<String, String> consumer =
                new KafkaConsumer<>(client, new StringDeserializer(), new StringDeserializer())) {
            consumer.assign(List.of(PARTITION));
            consumer.seekToBeginning(List.of(PARTITION));
            long end = consumer.endOffsets(List.of(PARTITION)).getOrDefault(PARTITION, 0L);
            while (consumer.position(PARTITION) < end) {
                for (ConsumerRecord<String, String> record : consumer.poll(POLL)) {
                    put(schemas, record);
                }
            }
        }
        return new SchemaTable(schemas);
    }

    private static void put(SortedMap<Integer, Schema> schemas, ConsumerRecord<String, String> record) {
        try {
            schemas.put(Integer.valueOf(record.key()), new Schema.Parser().parse(record.value()));
        } catch (NumberFormatException | SchemaParseException e) {
            throw new SerializationException(
                    Topics.SCHEMAS + " holds no schema at offset " + record.offset() + ": key '" + record.key()
                            + "'; only varve up writes there",
                    e);
        }
    }
}
