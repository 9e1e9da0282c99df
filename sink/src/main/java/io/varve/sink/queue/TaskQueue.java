package io.varve.sink.queue;

import io.varve.core.commit.Task;
import io.varve.schemas.Topics;
import java.time.Duration;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.apache.kafka.clients.CommonClientConfigs;
import org.apache.kafka.clients.consumer.AcknowledgeType;
import org.apache.kafka.clients.consumer.ConsumerConfig;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.ConsumerRecords;
import org.apache.kafka.clients.consumer.KafkaShareConsumer;
import org.apache.kafka.common.KafkaException;
import org.apache.kafka.common.errors.InterruptException;
import org.apache.kafka.common.serialization.ByteArrayDeserializer;
import org.apache.kafka.common.serialization.Deserializer;
import org.apache.kafka.common.serialization.StringDeserializer;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * A worker's place in the share group: at most one task is held, under a lock that must be renewed. A lock that's lost
 * lets another worker do the task as well, which is harmless: attempts share no object, and a decision is made once.
 * How often a record was delivered is no fencing token, and isn't looked at.
 *
 * <pre>
 *   free ── take ──→ held ── renew ──→ held
 *     ↑               ├── finish: the outcome is written ──→ free
 *     │               ├── giveBack ──→ free
 *     └───────────────┴── Kafka doesn't confirm one of these ──→ unsound: to be closed, another one is opened
 * </pre>
 *
 * <p>Thread: its worker's only.
 */
public final class TaskQueue implements AutoCloseable {
    private static final Logger LOG = LoggerFactory.getLogger(TaskQueue.class);

    private static final Duration CONFIRMATION = Duration.ofSeconds(10);
    private static final Duration CLOSE_PATIENCE = Duration.ofSeconds(5);

    /** The shortest that a broker allows, unless it's told otherwise. */
    private static final Duration LOCK_MIN = Duration.ofSeconds(15);

    private static final int RENEWALS_PER_LOCK = 3;

    private final KafkaShareConsumer<String, byte[]> consumer;
    private final Deserializer<Task> tasks;
    private Optional<ConsumerRecord<String, byte[]>> held = Optional.empty();
    private boolean isSound = true;

    /**
     * Joins the group.
     *
     * @param client Kafka's client settings, with {@code bootstrap.servers}
     * @param tasks reads them; used by this queue only
     */
    public TaskQueue(Map<String, Object> client, Deserializer<Task> tasks) {
        this.tasks = tasks;
        Map<String, Object> settings = new HashMap<>(client);
        settings.put(CommonClientConfigs.GROUP_ID_CONFIG, Topics.SINK_GROUP);
        settings.put(ConsumerConfig.SHARE_ACKNOWLEDGEMENT_MODE_CONFIG, "explicit");
        settings.put(ConsumerConfig.SHARE_ACQUIRE_MODE_CONFIG, "record_limit");
        settings.put(ConsumerConfig.MAX_POLL_RECORDS_CONFIG, 1);
        consumer = new KafkaShareConsumer<>(settings, new StringDeserializer(), new ByteArrayDeserializer());
        consumer.subscribe(List.of(Topics.BACKUP_TASKS));
    }

    /** False when this place is lost; nothing is taken any more. */
    public boolean isSound() {
        return isSound;
    }

    /** Waits for a task to hold; empty when none comes. */
    public Optional<QueuedTask> take(Duration patience) {
        keep(consumer.poll(patience));
        return held.map(this::read);
    }

    /** How often the lock of a held task must be renewed. */
    public Duration renewalInterval() {
        return consumer.acquisitionLockTimeoutMs()
                .map(millis -> Duration.ofMillis(millis))
                .orElse(LOCK_MIN)
                .dividedBy(RENEWALS_PER_LOCK);
    }

    /**
     * Prolongs the lock. Only so: acknowledging, confirming, then a poll that doesn't wait, which brings the record
     * back; a poll that waits would acquire further tasks.
     */
    public void renew() {
        if (held.isEmpty()) {
            return;
        }
        long offset = held.get().offset();
        int partition = held.get().partition();
        if (acknowledge(AcknowledgeType.RENEW)) {
            try {
                keep(consumer.poll(Duration.ZERO));
            } catch (InterruptException e) {
                throw e;
            } catch (KafkaException | IllegalStateException e) {
                lose("it didn't come back from its renewal: " + e.getMessage());
                return;
            }
            boolean isBack = held.filter(record -> record.offset() == offset && record.partition() == partition)
                    .isPresent();
            if (!isBack) {
                lose("it didn't come back from its renewal");
            }
        }
    }

    /** Takes the held task off the queue; its outcome must have been written before. */
    public void finish() {
        acknowledge(AcknowledgeType.ACCEPT);
    }

    /** Lets another worker have the held task, at once. */
    public void giveBack() {
        acknowledge(AcknowledgeType.RELEASE);
    }

    /** Acknowledges the held record, which isn't held any more then; true when Kafka confirms it. */
    private boolean acknowledge(AcknowledgeType type) {
        if (held.isEmpty()) {
            return false;
        }
        try {
            consumer.acknowledge(held.get(), type);
            Optional<KafkaException> refused = consumer.commitSync(CONFIRMATION).values().stream()
                    .flatMap(Optional::stream)
                    .findFirst();
            if (refused.isPresent()) {
                lose(type + " was refused: " + refused.get().getMessage());
                return false;
            }
        } catch (InterruptException e) {
            throw e;
        } catch (KafkaException | IllegalStateException e) {
            lose(type + " isn't confirmed: " + e.getMessage());
            return false;
        }
        held = Optional.empty();
        return true;
    }

    private void lose(String reason) {
        LOG.warn("a sink's lock on a task is lost, another worker may do it as well, which is harmless: {}", reason);
        held = Optional.empty();
        isSound = false;
    }

    /** Holds the one record; should others come, they go back, since nobody would renew them. */
    private void keep(ConsumerRecords<String, byte[]> records) {
        for (ConsumerRecord<String, byte[]> record : records) {
            if (held.isEmpty()) {
                held = Optional.of(record);
            } else {
                LOG.warn(
                        "more than one task was given to a worker; {} at offset {} goes back",
                        record.topic(),
                        record.offset());
                consumer.acknowledge(record, AcknowledgeType.RELEASE);
            }
        }
    }

    private QueuedTask read(ConsumerRecord<String, byte[]> record) {
        try {
            Optional<Task> task = Optional.ofNullable(tasks.deserialize(record.topic(), record.value()));
            return task.<QueuedTask>map(QueuedTask.Sound::new)
                    .orElseGet(() -> new QueuedTask.Unreadable(where(record) + " has no value"));
        } catch (KafkaException e) {
            return new QueuedTask.Unreadable(where(record) + " can't be read: " + e.getMessage());
        }
    }

    private static String where(ConsumerRecord<String, byte[]> record) {
        return "the task at offset " + record.offset() + " of partition " + record.partition() + " of "
                + record.topic();
    }

    /** Leaves the group; what's held is another worker's then. */
    @Override
    public void close() {
        try {
            consumer.close(CLOSE_PATIENCE);
        } catch (KafkaException e) {
            LOG.warn("a sink worker couldn't leave its group in order: {}", e.getMessage());
        }
    }
}
