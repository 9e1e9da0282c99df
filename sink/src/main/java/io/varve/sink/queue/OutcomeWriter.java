package io.varve.sink.queue;

import io.varve.core.commit.Outcome;
import io.varve.schemas.CatalogEntry;
import io.varve.schemas.Topics;
import io.varve.schemas.VarveSerdes;
import io.varve.sink.work.Answers;
import io.varve.sink.work.StopSignal;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerConfig;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.clients.producer.RecordMetadata;
import org.apache.kafka.common.KafkaException;
import org.apache.kafka.common.errors.InterruptException;
import org.apache.kafka.common.serialization.ByteArraySerializer;
import org.apache.kafka.common.serialization.Serializer;
import org.apache.kafka.common.serialization.StringSerializer;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Tells what became of tasks. Safe for any thread. */
public final class OutcomeWriter implements AutoCloseable {
    private static final Logger LOG = LoggerFactory.getLogger(OutcomeWriter.class);
    private static final Duration RETRY_PAUSE = Duration.ofSeconds(1);
    private static final Duration CLOSE_PATIENCE = Duration.ofSeconds(5);
    private static final int MAX_BLOCK_MILLIS = 2000;

    /** Answers are small; Kafka's default would be a quarter of a small machine's memory. */
    private static final int BUFFER_BYTES = 4 << 20;

    private final KafkaProducer<String, byte[]> producer;
    private final Serializer<Outcome> outcomes;
    private final Serializer<CatalogEntry> entries;
    private final StopSignal stop;

    /**
     * Makes a writer.
     *
     * @param client Kafka's client settings, with {@code bootstrap.servers}
     */
    public OutcomeWriter(Map<String, Object> client, VarveSerdes serdes, StopSignal stop) {
        Map<String, Object> settings = new HashMap<>(client);
        settings.put(ProducerConfig.ACKS_CONFIG, "all");
        settings.put(ProducerConfig.ENABLE_IDEMPOTENCE_CONFIG, true);
        settings.put(ProducerConfig.BUFFER_MEMORY_CONFIG, BUFFER_BYTES);
        settings.put(ProducerConfig.MAX_BLOCK_MS_CONFIG, MAX_BLOCK_MILLIS);
        producer = new KafkaProducer<>(settings, new StringSerializer(), new ByteArraySerializer());
        outcomes = serdes.outcomes().serializer();
        entries = serdes.catalogEntries().serializer();
        this.stop = stop;
    }

    /** Says how far a copy is, if Kafka listens; nobody waits for it. */
    public void announce(Outcome.Progress progress) {
        try {
            var _ = producer.send(record(progress), (_, failure) -> {
                if (failure != null) {
                    LOG.debug("the progress of drive {} wasn't told: {}", progress.drive(), failure.getMessage());
                }
            });
        } catch (InterruptException e) {
            throw e;
        } catch (KafkaException e) {
            LOG.debug("the progress of drive {} wasn't told: {}", progress.drive(), e.getMessage());
        }
    }

    /**
     * Returns when Kafka has acknowledged all of it, however long it's away; true. The stop signal ends the waiting:
     * false.
     */
    public boolean write(Answers answers) throws InterruptedException {
        List<ProducerRecord<String, byte[]>> records = new ArrayList<>();
        answers.entries()
                .forEach(entry -> records.add(
                        new ProducerRecord<>(Topics.CATALOG, entry.key(), entries.serialize(Topics.CATALOG, entry))));
        answers.outcomes().forEach(outcome -> records.add(record(outcome)));
        while (true) {
            try {
                return await(records.stream()
                        .<Future<RecordMetadata>>map(producer::send)
                        .toList());
            } catch (InterruptException e) {
                throw e;
            } catch (KafkaException e) {
                LOG.warn("Kafka doesn't take an outcome, which is sent again: {}", e.getMessage());
                stop.pause(RETRY_PAUSE);
                if (stop.isGiven()) {
                    return false;
                }
            }
        }
    }

    private boolean await(List<Future<RecordMetadata>> sent) throws InterruptedException {
        for (Future<RecordMetadata> one : sent) {
            while (!isAcknowledged(one)) {
                if (stop.isGiven()) {
                    return false;
                }
            }
        }
        return true;
    }

    private static boolean isAcknowledged(Future<RecordMetadata> sent) throws InterruptedException {
        try {
            sent.get(RETRY_PAUSE.toMillis(), TimeUnit.MILLISECONDS);
            return true;
        } catch (TimeoutException e) {
            return false;
        } catch (ExecutionException e) {
            throw e.getCause() instanceof KafkaException known ? known : new KafkaException(e.getCause());
        }
    }

    private ProducerRecord<String, byte[]> record(Outcome outcome) {
        return new ProducerRecord<>(
                Topics.BACKUP_OUTCOMES, outcome.drive().value(), outcomes.serialize(Topics.BACKUP_OUTCOMES, outcome));
    }

    @Override
    public void close() {
        producer.close(CLOSE_PATIENCE);
    }
}
