package io.varve.capture.publish;

import io.varve.capture.tracking.Agent;
import io.varve.core.commit.AgentStep;
import io.varve.core.commit.Outcome;
import io.varve.core.drive.BackupKey;
import io.varve.core.drive.Conclusion;
import io.varve.core.drive.DriveState;
import io.varve.core.id.DriveId;
import io.varve.schemas.TopicSchemaIds;
import io.varve.schemas.Topics;
import io.varve.schemas.VarveSerdes;
import java.io.IOException;
import java.time.Duration;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.LongSupplier;
import org.apache.kafka.clients.consumer.CloseOptions;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.ConsumerRecords;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.common.KafkaException;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.errors.SerializationException;
import org.apache.kafka.common.errors.WakeupException;
import org.apache.kafka.common.serialization.ByteArrayDeserializer;
import org.apache.kafka.common.serialization.StringDeserializer;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Reads all outcomes from their beginning, so that a decision that was made while the agent was away is found, and has
 * the agent do what they ask. Every agent reads all partitions by itself; which records are its own their keys say.
 *
 * <p>Thread: {@link #run} is one thread's, which nobody may interrupt; the rest is safe for any thread.
 */
final class OutcomeReader implements Runnable {
    private static final Logger LOG = LoggerFactory.getLogger(OutcomeReader.class);
    private static final Duration POLL = Duration.ofMillis(500);
    private static final Duration CLOSE_MAX = Duration.ofMillis(500);
    private static final long QUIET_NANOS = Duration.ofSeconds(3).toNanos();
    private static final long RETRY_PAUSE_NANOS = Duration.ofSeconds(1).toNanos();

    private final Agent agent;
    private final Map<String, Object> client;
    private final ArchiveProgress progress;
    private final LogPublisher publisher;
    private final Link link;
    private final LongSupplier nanos;
    private final Doorbell closed = new Doorbell();
    private volatile boolean isClosing;
    private volatile Optional<KafkaConsumer<String, byte[]>> consumer = Optional.empty();

    private Optional<VarveSerdes> serdes = Optional.empty();
    /** Where each partition is read next. */
    private final Map<TopicPartition, Long> positions = new HashMap<>();
    /** Where each partition ended when it was first seen: what lies before was said to an earlier run. */
    private final Map<TopicPartition, Long> firstEnds = new HashMap<>();
    /** Conclusions that the journal didn't take yet. */
    private final Map<Backup, Conclusion> unwritten = new LinkedHashMap<>();

    private record Backup(DriveId drive, BackupKey key) {}

    OutcomeReader(Publishing.Surroundings around, ArchiveProgress progress, LogPublisher publisher, Link link) {
        this.agent = around.agent();
        this.client = KafkaSettings.consumer(around.client());
        this.nanos = around.nanos();
        this.progress = progress;
        this.publisher = publisher;
        this.link = link;
    }

    void close() {
        isClosing = true;
        closed.ring();
        consumer.ifPresent(KafkaConsumer::wakeup);
    }

    @Override
    public void run() {
        while (!isClosing) {
            try {
                follow();
            } catch (WakeupException e) {
                // It closes.
            } catch (KafkaException e) {
                link.fails(Link.Side.READER, e.toString());
                closed.await(RETRY_PAUSE_NANOS);
            } catch (RuntimeException e) {
                LOG.error("a bug in reading {}; it goes on with the next record", Topics.BACKUP_OUTCOMES, e);
                link.fails(Link.Side.READER, e.toString());
                closed.await(RETRY_PAUSE_NANOS);
            }
        }
    }

    private void follow() {
        KafkaConsumer<String, byte[]> opened =
                new KafkaConsumer<>(client, new StringDeserializer(), new ByteArrayDeserializer());
        consumer = Optional.of(opened);
        try {
            VarveSerdes known = begin(opened);
            link.works(Link.Side.READER);
            publisher.begin(known);
            long heardNanos = nanos.getAsLong();
            while (!isClosing) {
                ConsumerRecords<String, byte[]> records = opened.poll(POLL);
                for (ConsumerRecord<String, byte[]> record : records) {
                    read(known, record);
                }
                concludeUnwritten();
                if (nanos.getAsLong() - heardNanos >= QUIET_NANOS) {
                    // Polls don't tell that nobody answers; this does.
                    var _ = opened.endOffsets(positions.keySet());
                    heardNanos = nanos.getAsLong();
                }
                checkCaughtUp(opened);
            }
        } finally {
            consumer = Optional.empty();
            opened.close(CloseOptions.timeout(CLOSE_MAX));
        }
    }

    /** Makes sure that all is there, and goes to where reading goes on. */
    private VarveSerdes begin(KafkaConsumer<String, byte[]> opened) {
        VarveSerdes known = serdes.orElseGet(this::readSchemas);
        List<TopicPartition> partitions = partitions(opened, Topics.BACKUP_OUTCOMES);
        // Nothing is sent to a topic that isn't there: a broker may make it, with settings that lose records.
        var _ = partitions(opened, Topics.CHANGES);
        if (firstEnds.isEmpty()) {
            firstEnds.putAll(opened.endOffsets(partitions));
            partitions.forEach(partition -> positions.put(partition, 0L));
        }
        opened.assign(positions.keySet());
        positions.forEach(opened::seek);
        serdes = Optional.of(known);
        return known;
    }

    /** @throws SerializationException when this version's schemas aren't registered yet */
    private VarveSerdes readSchemas() {
        TopicSchemaIds ids = TopicSchemaIds.read(client);
        var _ = ids.idOf(io.varve.schemas.avro.LogRecord.getClassSchema());
        var _ = ids.idOf(io.varve.schemas.avro.Outcome.getClassSchema());
        return new VarveSerdes(ids);
    }

    private static List<TopicPartition> partitions(KafkaConsumer<String, byte[]> opened, String topic) {
        List<TopicPartition> partitions = opened.partitionsFor(topic).stream()
                .map(partition -> new TopicPartition(topic, partition.partition()))
                .toList();
        if (partitions.isEmpty()) {
            throw new KafkaException("it has no topic " + topic + ": varve up makes it");
        }
        return partitions;
    }

    private void read(VarveSerdes known, ConsumerRecord<String, byte[]> record) {
        TopicPartition partition = new TopicPartition(record.topic(), record.partition());
        Optional<DriveState> state = Optional.ofNullable(record.key())
                .filter(DriveId::isValid)
                .map(DriveId::new)
                .flatMap(drive -> Optional.ofNullable(agent.states().get(drive)));
        Optional<Outcome> outcome = state.flatMap(
                own -> decode(known, record).filter(said -> said.drive().equals(own.drive())));
        // From here on it counts as read: what fails below is kept, or asked for again.
        positions.put(partition, record.offset() + 1);
        if (!isClosing && state.isPresent() && outcome.isPresent()) {
            boolean isOld = record.offset() < firstEnds.getOrDefault(partition, 0L);
            perform(state.get().drive(), outcome.get(), AgentStep.of(state.get(), outcome.get()), isOld);
        }
    }

    /** Empty for a record that nobody can read, which is said: what it told is asked for again. */
    private static Optional<Outcome> decode(VarveSerdes known, ConsumerRecord<String, byte[]> record) {
        try {
            return Optional.ofNullable(known.outcomes().deserializer().deserialize(record.topic(), record.value()));
        } catch (SerializationException e) {
            tellUnreadable(record, e);
        } catch (KafkaException e) {
            // Its schema can't be had now: it's read again later.
            throw e;
        } catch (RuntimeException e) {
            tellUnreadable(record, e);
        }
        return Optional.empty();
    }

    private static void tellUnreadable(ConsumerRecord<String, byte[]> record, RuntimeException why) {
        LOG.error(
                "drive '{}': the outcome at offset {} of partition {} can't be read; if it was a decision, its backup "
                        + "stays undecided: cancel it, and the decision is asked for again",
                record.key(),
                record.offset(),
                record.partition(),
                why);
    }

    private void perform(DriveId drive, Outcome outcome, AgentStep step, boolean isOld) {
        switch (step) {
            case AgentStep.Report(var unit, long copiedBytes, long totalBytes) ->
                progress.copied(unit, drive, copiedBytes, totalBytes);
            case AgentStep.Conclude(var backup, var conclusion) -> conclude(new Backup(drive, backup), conclusion);
            case AgentStep.Republish republish -> {
                // What was asked of an earlier run is answered: this one publishes everything that it holds.
                if (!isOld) {
                    publisher.republish(drive, republish);
                }
            }
            case AgentStep.Distrust distrust -> {
                // What still holds is told again at the next cut.
                if (!isOld) {
                    distrust(drive, distrust);
                }
            }
            case AgentStep.Refuse(String reason) ->
                LOG.error(
                        "drive '{}' can't obey the decision {}: {}; the backup stays undecided",
                        drive,
                        outcome,
                        reason);
            case AgentStep.Nothing() -> {}
        }
    }

    private void distrust(DriveId drive, AgentStep.Distrust distrust) {
        AgentStep.Republish republish = distrust.otherwise();
        try {
            if (!agent.bitmaps().distrust(drive, distrust)) {
                publisher.republish(drive, republish);
            }
        } catch (IOException e) {
            LOG.error(
                    "drive '{}': it can't be written down that bitmaps are inconsistent; the next cut of theirs is "
                            + "refused as this one: {}",
                    drive,
                    e.getMessage());
        }
    }

    /** Has the agent write down what is decided; what its journal doesn't take is tried again after each poll. */
    private void conclude(Backup backup, Conclusion conclusion) {
        Optional<IOException> failure = tryConclude(backup, conclusion);
        if (failure.isPresent()) {
            unwritten.put(backup, conclusion);
            LOG.error(
                    "drive '{}': the end of the backup of sync point {} can't be written down, and is tried again: {}",
                    backup.drive(),
                    backup.key().syncPoint(),
                    failure.get().getMessage());
        }
    }

    private void concludeUnwritten() {
        unwritten
                .entrySet()
                .removeIf(entry -> tryConclude(entry.getKey(), entry.getValue()).isEmpty());
    }

    private Optional<IOException> tryConclude(Backup backup, Conclusion conclusion) {
        try {
            agent.conclude(backup.drive(), backup.key(), conclusion);
            return Optional.empty();
        } catch (IOException e) {
            return Optional.of(e);
        }
    }

    private void checkCaughtUp(KafkaConsumer<String, byte[]> opened) {
        if (firstEnds.entrySet().stream().allMatch(end -> opened.position(end.getKey()) >= end.getValue())) {
            publisher.mayAsk();
        }
    }
}
