package io.varve.cli.feed;

import io.varve.core.event.LogRecord;
import io.varve.schemas.TopicSchemaIds;
import io.varve.schemas.Topics;
import io.varve.schemas.VarveSerdes;
import java.io.IOException;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import java.util.function.Consumer;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.errors.RecordDeserializationException;
import org.apache.kafka.common.errors.WakeupException;
import org.apache.kafka.common.serialization.StringDeserializer;

/**
 * Reads {@link Topics#CHANGES} by itself, in no group: it takes nothing from anybody. Each drive's events come in their
 * order; those of several drives as Kafka hands them out.
 *
 * <p>Thread: its owner's only, but for {@link #stop}.
 */
public final class Feed implements AutoCloseable {

    private static final Duration POLL = Duration.ofMillis(500);

    private final KafkaConsumer<String, LogRecord> consumer;
    private final List<TopicPartition> partitions;

    private Feed(KafkaConsumer<String, LogRecord> consumer, List<TopicPartition> partitions) {
        this.consumer = consumer;
        this.partitions = partitions;
    }

    /**
     * Opens the feed.
     *
     * @param client Kafka's client settings
     * @throws IOException in one sentence when this Kafka has no log
     */
    public static Feed open(Map<String, Object> client, FeedFrom from) throws IOException {
        var values = new VarveSerdes(TopicSchemaIds.read(client)).logRecords().deserializer();
        var consumer = new KafkaConsumer<>(client, new StringDeserializer(), values);
        try {
            var feed = new Feed(consumer, partitions(consumer));
            feed.seek(from);
            return feed;
        } catch (IOException | RuntimeException e) {
            consumer.close();
            throw e;
        }
    }

    private static List<TopicPartition> partitions(KafkaConsumer<String, LogRecord> consumer) throws IOException {
        var found = consumer.listTopics().getOrDefault(Topics.CHANGES, List.of()).stream()
                .map(each -> new TopicPartition(each.topic(), each.partition()))
                .toList();
        if (found.isEmpty()) {
            throw new IOException("This Kafka has no topic " + Topics.CHANGES + "; 'varve up' makes it");
        }
        return found;
    }

    private void seek(FeedFrom from) {
        consumer.assign(partitions);
        switch (from) {
            case BEGINNING -> consumer.seekToBeginning(partitions);
            case NOW -> consumer.seekToEnd(partitions);
        }
        // The positions are looked up now: what comes from here on belongs to the feed.
        partitions.forEach(consumer::position);
    }

    /** Hands out what is there now, and comes back. */
    public void readToEnd(Consumer<FeedEntry> reader) throws IOException {
        var end = consumer.endOffsets(partitions);
        while (partitions.stream().anyMatch(each -> consumer.position(each) < end.getOrDefault(each, 0L))) {
            // What came after the end was looked up belongs to the next feed.
            poll(entry -> {
                if (entry.offset() < end.getOrDefault(new TopicPartition(Topics.CHANGES, entry.partition()), 0L)) {
                    reader.accept(entry);
                }
            });
        }
    }

    /** Hands out what is there and all that comes, until {@link #stop}. */
    public void follow(Consumer<FeedEntry> reader) throws IOException {
        try {
            while (true) {
                poll(reader);
            }
        } catch (WakeupException e) {
            // Stopped.
            return;
        }
    }

    private void poll(Consumer<FeedEntry> reader) throws IOException {
        try {
            consumer.poll(POLL).forEach(received -> reader.accept(entry(received)));
        } catch (RecordDeserializationException e) {
            throw new IOException(
                    "The record at offset " + e.offset() + " of " + e.topicPartition()
                            + " can't be read by this version of Varve: " + e.getMessage(),
                    e);
        }
    }

    private static FeedEntry entry(ConsumerRecord<String, LogRecord> received) {
        return new FeedEntry(
                received.value(), Instant.ofEpochMilli(received.timestamp()), received.partition(), received.offset());
    }

    /** Ends {@link #follow} soon. Safe for any thread. */
    public void stop() {
        consumer.wakeup();
    }

    @Override
    public void close() {
        consumer.close();
    }
}
