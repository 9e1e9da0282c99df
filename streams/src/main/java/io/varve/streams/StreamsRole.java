package io.varve.streams;

import io.varve.schemas.TopicSchemaIds;
import io.varve.schemas.Topics;
import io.varve.schemas.VarveSerdes;
import java.time.Duration;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.Properties;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.consumer.ConsumerConfig;
import org.apache.kafka.clients.producer.ProducerConfig;
import org.apache.kafka.common.KafkaException;
import org.apache.kafka.common.errors.InterruptException;
import org.apache.kafka.common.errors.RetriableException;
import org.apache.kafka.streams.KafkaStreams;
import org.apache.kafka.streams.StreamsConfig;
import org.apache.kafka.streams.errors.LogAndFailExceptionHandler;
import org.apache.kafka.streams.errors.StreamsUncaughtExceptionHandler.StreamThreadExceptionResponse;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The streams role: folds the log, gathers sync points, sends tasks. At-least-once, correct by construction: marks are
 * unions, control events are numbered, digests prove the rest, so what a kill makes to be done again does no harm. A
 * record that can't be read stops the role: skipping one would lose bits.
 *
 * <p>Safe for any thread.
 */
public final class StreamsRole implements AutoCloseable {
    private static final Logger LOG = LoggerFactory.getLogger(StreamsRole.class);
    private static final Duration CLOSE_PATIENCE = Duration.ofSeconds(20);

    private final KafkaStreams streams;
    private final CountDownLatch running = new CountDownLatch(1);
    private final CountDownLatch ended = new CountDownLatch(1);
    private volatile Optional<Throwable> failure = Optional.empty();

    private StreamsRole(KafkaStreams streams) {
        this.streams = streams;
    }

    /**
     * Starts the role; the topics must be there and the schemas registered.
     *
     * @throws KafkaException when Kafka can't be reached, or the topics aren't there
     */
    public static StreamsRole start(StreamsRoleConfig config) {
        Map<String, Object> client = new HashMap<>(config.client());
        client.put(StreamsConfig.BOOTSTRAP_SERVERS_CONFIG, config.bootstrapServers());
        VarveSerdes serdes = new VarveSerdes(TopicSchemaIds.read(client));
        var topology = new BackupTopology(serdes, config.silence()).build(partitions(client));
        StreamsRole role = new StreamsRole(new KafkaStreams(topology, properties(config)));
        role.streams.setUncaughtExceptionHandler(role::onFailure);
        role.streams.setStateListener(role::onState);
        role.streams.start();
        return role;
    }

    /** Waits until all partitions are served; false after {@code patience}, or when the role has ended. */
    public boolean awaitRunning(Duration patience) throws InterruptedException {
        return running.await(patience.toNanos(), TimeUnit.NANOSECONDS)
                && streams.state().isRunningOrRebalancing();
    }

    /** Waits until the role has ended, by {@link #close} or by a failure. */
    public Optional<Throwable> awaitEnd() throws InterruptedException {
        ended.await();
        return failure;
    }

    /** Stops in order. */
    @Override
    public void close() {
        if (!streams.close(CLOSE_PATIENCE)) {
            LOG.warn("the streams role didn't stop within {}", CLOSE_PATIENCE);
        }
        running.countDown();
        ended.countDown();
    }

    private void onState(KafkaStreams.State now, KafkaStreams.State before) {
        switch (now) {
            case RUNNING -> running.countDown();
            case ERROR, NOT_RUNNING -> {
                running.countDown();
                ended.countDown();
            }
            case CREATED, REBALANCING, PENDING_SHUTDOWN, PENDING_ERROR -> {}
        }
    }

    /** Kafka being away is waited out; anything else is a record or a bug that a new thread would meet again. */
    private StreamThreadExceptionResponse onFailure(Throwable thrown) {
        if (isTransient(thrown)) {
            LOG.warn("Kafka failed the streams role, which goes on with a new thread: {}", thrown.toString());
            return StreamThreadExceptionResponse.REPLACE_THREAD;
        }
        LOG.error("the streams role stops", thrown);
        failure = Optional.of(thrown);
        return StreamThreadExceptionResponse.SHUTDOWN_CLIENT;
    }

    private static boolean isTransient(Throwable thrown) {
        for (Throwable cause = thrown; cause != null; cause = cause.getCause()) {
            if (cause instanceof RetriableException) {
                return true;
            }
        }
        return false;
    }

    private static int partitions(Map<String, Object> client) {
        try (Admin admin = Admin.create(client)) {
            var described = admin.describeTopics(List.of(Topics.CHANGES)).topicNameValues();
            return Objects.requireNonNull(described.get(Topics.CHANGES))
                    .get()
                    .partitions()
                    .size();
        } catch (InterruptedException e) {
            throw new InterruptException(e);
        } catch (ExecutionException e) {
            throw new KafkaException(
                    "the topic " + Topics.CHANGES + " can't be described: start varve up, or create the topics, before "
                            + "this role; Kafka says: " + e.getMessage(),
                    e);
        }
    }

    private static Properties properties(StreamsRoleConfig config) {
        Properties properties = new Properties();
        properties.putAll(config.client());
        properties.put(StreamsConfig.BOOTSTRAP_SERVERS_CONFIG, config.bootstrapServers());
        properties.put(StreamsConfig.APPLICATION_ID_CONFIG, config.applicationId());
        properties.put(StreamsConfig.STATE_DIR_CONFIG, config.stateFolder().toString());
        properties.put(StreamsConfig.NUM_STREAM_THREADS_CONFIG, config.threads());
        properties.put(
                StreamsConfig.COMMIT_INTERVAL_MS_CONFIG, config.commitInterval().toMillis());
        properties.put(StreamsConfig.PROCESSING_GUARANTEE_CONFIG, StreamsConfig.AT_LEAST_ONCE);
        properties.put(StreamsConfig.DESERIALIZATION_EXCEPTION_HANDLER_CLASS_CONFIG, LogAndFailExceptionHandler.class);
        properties.put(StreamsConfig.ROCKSDB_CONFIG_SETTER_CLASS_CONFIG, BoundedRocksDb.class);
        properties.put(StreamsConfig.STATESTORE_CACHE_MAX_BYTES_CONFIG, 16L << 20);
        // Kafka may be away for as long as it likes.
        properties.put(StreamsConfig.TASK_TIMEOUT_MS_CONFIG, Long.MAX_VALUE);
        // A killed instance's partitions go to another one, or to its own successor, after this time.
        properties.put(StreamsConfig.mainConsumerPrefix(ConsumerConfig.SESSION_TIMEOUT_MS_CONFIG), 6000);
        properties.put(StreamsConfig.mainConsumerPrefix(ConsumerConfig.HEARTBEAT_INTERVAL_MS_CONFIG), 2000);
        properties.put(StreamsConfig.producerPrefix(ProducerConfig.COMPRESSION_TYPE_CONFIG), "lz4");
        properties.put(StreamsConfig.producerPrefix(ProducerConfig.ACKS_CONFIG), "all");
        return properties;
    }
}
