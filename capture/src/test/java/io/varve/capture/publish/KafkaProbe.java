package io.varve.capture.publish;

import static org.junit.jupiter.api.Assertions.assertEquals;

import io.varve.core.bits.Granularity;
import io.varve.core.bits.Marks;
import io.varve.core.commit.Outcome;
import io.varve.core.event.LogRecord;
import io.varve.core.fold.ReadingFold;
import io.varve.core.id.DriveId;
import io.varve.schemas.TopicSchemaIds;
import io.varve.schemas.Topics;
import io.varve.schemas.VarveSerdes;
import java.time.Duration;
import java.util.ArrayList;
import java.util.BitSet;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.function.BooleanSupplier;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.serialization.ByteArraySerializer;
import org.apache.kafka.common.serialization.StringDeserializer;
import org.apache.kafka.common.serialization.StringSerializer;

/** The other side of an agent's topics: reads and folds the log, reads and says outcomes. Thread: the test's only. */
final class KafkaProbe implements AutoCloseable {
    private static final Duration POLL = Duration.ofMillis(50);
    private static final long PATIENCE_NANOS = Duration.ofSeconds(30).toNanos();

    private final VarveSerdes serdes;
    private final KafkaConsumer<String, LogRecord> changes;
    private final KafkaConsumer<String, Outcome> outcomes;
    private final KafkaProducer<String, byte[]> producer;
    private final Map<DriveId, ReadingFold> folds = new TreeMap<>();
    private final List<LogRecord> records = new ArrayList<>();
    private final List<Outcome> said = new ArrayList<>();

    KafkaProbe(Map<String, Object> client) {
        serdes = new VarveSerdes(TopicSchemaIds.read(client));
        changes = new KafkaConsumer<>(
                client, new StringDeserializer(), serdes.logRecords().deserializer());
        outcomes = new KafkaConsumer<>(
                client, new StringDeserializer(), serdes.outcomes().deserializer());
        producer = new KafkaProducer<>(client, new StringSerializer(), new ByteArraySerializer());
        fromTheBeginning(changes, Topics.CHANGES);
    }

    /** Begins to collect what is said in the outcomes from now on. */
    void listen() {
        List<TopicPartition> partitions = partitions(outcomes, Topics.BACKUP_OUTCOMES);
        outcomes.assign(partitions);
        outcomes.seekToEnd(partitions);
        partitions.forEach(outcomes::position);
    }

    void say(Outcome outcome) throws Exception {
        say(outcome.drive(), serdes.outcomes().serializer().serialize(Topics.BACKUP_OUTCOMES, outcome));
    }

    void say(DriveId drive, byte[] bytes) throws Exception {
        producer.send(new ProducerRecord<>(Topics.BACKUP_OUTCOMES, drive.value(), bytes))
                .get();
    }

    ReadingFold fold(String drive) {
        return folds.computeIfAbsent(new DriveId(drive), d -> new ReadingFold());
    }

    /** All records of the drive's log that were read. */
    List<LogRecord> records(String drive) {
        return records.stream().filter(r -> r.drive().value().equals(drive)).toList();
    }

    List<Outcome> said() {
        return said;
    }

    /** Reads until {@code condition} holds. */
    void until(String what, BooleanSupplier condition) {
        long sinceNanos = System.nanoTime();
        while (!condition.getAsBoolean()) {
            if (System.nanoTime() - sinceNanos > PATIENCE_NANOS) {
                throw new AssertionError("waited in vain until " + what + "; read were " + records + " and " + said);
            }
            read();
        }
    }

    /**
     * Reads until a drive's log says what its agent says, and holds all that its guests wrote. The digests of seals and
     * cuts are checked as they are read.
     */
    void untilTheSame(Host host, String drive) {
        ReadingFold fold = fold(drive);
        until(
                "the log of '" + drive + "' says what its agent says",
                () -> !records(drive).isEmpty()
                        && fold.state().equals(host.state(drive))
                        && holds(fold, host.granules(drive)));
        assertEquals(List.of(), fold.complaints());
    }

    private static boolean holds(ReadingFold fold, BitSet granules) {
        Marks all = fold.union(fold.state().generations().keySet(), Granularity.DEFAULT);
        return granules.stream().allMatch(all.bits()::get);
    }

    private void read() {
        changes.poll(POLL).forEach(record -> {
            records.add(record.value());
            fold(record.key()).read(record.value());
        });
        if (!outcomes.assignment().isEmpty()) {
            outcomes.poll(POLL).forEach(record -> said.add(record.value()));
        }
    }

    private static void fromTheBeginning(KafkaConsumer<?, ?> consumer, String topic) {
        List<TopicPartition> partitions = partitions(consumer, topic);
        consumer.assign(partitions);
        consumer.seekToBeginning(partitions);
    }

    private static List<TopicPartition> partitions(KafkaConsumer<?, ?> consumer, String topic) {
        return consumer.partitionsFor(topic).stream()
                .map(partition -> new TopicPartition(topic, partition.partition()))
                .toList();
    }

    @Override
    public void close() {
        changes.close();
        outcomes.close();
        producer.close();
    }
}
