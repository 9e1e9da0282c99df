package io.varve.capture.publish;

import io.varve.core.commit.Outcome;
import io.varve.core.event.LogRecord;
import io.varve.core.id.DriveId;
import io.varve.schemas.Topics;
import io.varve.schemas.VarveSerdes;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.function.BooleanSupplier;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.clients.producer.RecordMetadata;
import org.apache.kafka.common.KafkaException;
import org.apache.kafka.common.errors.RecordTooLargeException;
import org.apache.kafka.common.serialization.ByteArraySerializer;
import org.apache.kafka.common.serialization.Serializer;
import org.apache.kafka.common.serialization.StringSerializer;

/** One producer, until it fails. Thread: the publisher only. */
final class RecordSender {
    private static final long SLICE_MILLIS = 100;

    private final KafkaProducer<String, byte[]> producer;
    private final Serializer<LogRecord> changes;
    private final Serializer<Outcome> outcomes;

    /** @throws KafkaException when the settings are of no use now, for example since a name has no address */
    RecordSender(Map<String, Object> client, VarveSerdes serdes) {
        producer =
                new KafkaProducer<>(KafkaSettings.producer(client), new StringSerializer(), new ByteArraySerializer());
        changes = serdes.logRecords().serializer();
        outcomes = serdes.outcomes().serializer();
    }

    /** Records on their way. */
    record Sending(List<Future<RecordMetadata>> records) {
        /** Whether it's known already that not all will arrive. */
        boolean hasFailed() {
            return records.getLast().state() == Future.State.FAILED;
        }
    }

    /** Sends a drive's records, in this order, to its partition of the log. */
    Sending send(DriveId drive, List<LogRecord> records) {
        return send(
                Topics.CHANGES,
                drive,
                records.stream()
                        .map(record -> changes.serialize(Topics.CHANGES, record))
                        .toList());
    }

    Sending send(Outcome outcome) {
        return send(
                Topics.BACKUP_OUTCOMES, outcome.drive(), List.of(outcomes.serialize(Topics.BACKUP_OUTCOMES, outcome)));
    }

    /** Waits until all are acknowledged, one has failed, or {@code patience}, asked now and then, is at its end. */
    static Delivery await(Sending sending, BooleanSupplier patience) {
        for (Future<RecordMetadata> record : sending.records()) {
            Delivery delivery = await(record, patience);
            if (!(delivery instanceof Delivery.Acknowledged)) {
                return delivery;
            }
        }
        return new Delivery.Acknowledged();
    }

    /** Ends it within this time, whatever is on its way. */
    void close(Duration patience) {
        producer.close(patience);
    }

    private Sending send(String topic, DriveId drive, List<byte[]> values) {
        List<Future<RecordMetadata>> records = new ArrayList<>();
        for (byte[] value : values) {
            Future<RecordMetadata> record = send(new ProducerRecord<>(topic, drive.value(), value));
            records.add(record);
            if (record.state() == Future.State.FAILED) {
                // The next one would wait for as long, and mustn't overtake it.
                break;
            }
        }
        return new Sending(records);
    }

    private Future<RecordMetadata> send(ProducerRecord<String, byte[]> record) {
        try {
            return producer.send(record);
        } catch (KafkaException e) {
            return CompletableFuture.failedFuture(e);
        }
    }

    private static Delivery await(Future<RecordMetadata> record, BooleanSupplier patience) {
        while (true) {
            try {
                record.get(SLICE_MILLIS, TimeUnit.MILLISECONDS);
                return new Delivery.Acknowledged();
            } catch (TimeoutException e) {
                if (!patience.getAsBoolean()) {
                    return new Delivery.Lost("it didn't acknowledge in time");
                }
            } catch (ExecutionException e) {
                Throwable cause = e.getCause();
                return cause instanceof RecordTooLargeException
                        ? new Delivery.Unfit(String.valueOf(cause.getMessage()))
                        : new Delivery.Lost(String.valueOf(cause));
            } catch (InterruptedException e) {
                throw new IllegalStateException(Thread.currentThread().getName() + " must not be interrupted", e);
            }
        }
    }
}
