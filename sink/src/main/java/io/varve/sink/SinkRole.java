package io.varve.sink;

import io.varve.archive.ConditionalPutProbe;
import io.varve.archive.store.ObjectStore;
import io.varve.archive.store.WhenMissing;
import io.varve.schemas.TopicSchemaIds;
import io.varve.schemas.Topics;
import io.varve.schemas.VarveSerdes;
import io.varve.sink.queue.OutcomeWriter;
import io.varve.sink.queue.TaskQueue;
import io.varve.sink.work.StopSignal;
import io.varve.sink.work.Workbench;
import io.varve.transfer.CopyPipeline;
import java.io.IOException;
import java.time.Duration;
import java.time.InstantSource;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.random.RandomGenerator;
import org.apache.kafka.clients.CommonClientConfigs;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.common.KafkaException;
import org.apache.kafka.common.errors.InterruptException;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The sink role: workers that take tasks from the share group, copy cuts into the archive, and write decisions. Any
 * number of such processes may share the work; a killed one's tasks are done by another.
 *
 * <p>Safe for any thread.
 */
public final class SinkRole implements AutoCloseable {
    private static final Logger LOG = LoggerFactory.getLogger(SinkRole.class);
    private static final Duration CLOSE_PATIENCE = Duration.ofSeconds(20);
    private static final String START_PATIENCE_MILLIS = "15000";

    private final ObjectStore store;
    private final OutcomeWriter writer;
    private final StopSignal stop;
    private final CountDownLatch working;
    private final CountDownLatch ended = new CountDownLatch(1);
    private volatile Optional<Throwable> failure = Optional.empty();

    private SinkRole(ObjectStore store, OutcomeWriter writer, StopSignal stop, int workers) {
        this.store = store;
        this.writer = writer;
        this.stop = stop;
        working = new CountDownLatch(workers);
    }

    /**
     * Starts the role; the bucket and the topics must be there, and the schemas registered.
     *
     * @param random gives attempts their ids; safe for any thread, and not the same in two processes
     * @throws IOException in one sentence, when the archive isn't there, denies, or overwrites objects
     * @throws KafkaException in one sentence, when Kafka can't be reached, or the topics aren't there
     */
    public static SinkRole start(SinkConfig config, InstantSource clock, RandomGenerator random) throws IOException {
        ObjectStore store = config.archive().open(WhenMissing.REFUSE);
        try {
            ConditionalPutProbe.check(store);
            Map<String, Object> client = new HashMap<>(config.client());
            client.put(CommonClientConfigs.BOOTSTRAP_SERVERS_CONFIG, config.bootstrapServers());
            VarveSerdes serdes = new VarveSerdes(schemaIds(client));
            StopSignal stop = new StopSignal();
            Workbench bench =
                    new Workbench(store, new CopyPipeline(config.budget()), config.source(), clock, random, stop);
            OutcomeWriter writer = new OutcomeWriter(client, serdes, stop);
            SinkRole role = new SinkRole(store, writer, stop, config.workers());
            for (int number = 1; number <= config.workers(); number++) {
                String name = "sink-" + number;
                role.employ(
                        name,
                        new SinkWorker(
                                name,
                                () -> new TaskQueue(client, serdes.tasks().deserializer()),
                                writer,
                                bench,
                                config.heartbeat()));
            }
            return role;
        } catch (IOException | RuntimeException e) {
            store.close();
            throw e;
        }
    }

    private static TopicSchemaIds schemaIds(Map<String, Object> client) {
        Map<String, Object> patient = new HashMap<>(client);
        if (!patient.containsKey(CommonClientConfigs.REQUEST_TIMEOUT_MS_CONFIG)) {
            patient.put(CommonClientConfigs.REQUEST_TIMEOUT_MS_CONFIG, START_PATIENCE_MILLIS);
            patient.putIfAbsent(CommonClientConfigs.DEFAULT_API_TIMEOUT_MS_CONFIG, START_PATIENCE_MILLIS);
        }
        try (Admin admin = Admin.create(patient)) {
            admin.describeTopics(List.of(Topics.BACKUP_TASKS, Topics.BACKUP_OUTCOMES, Topics.CATALOG, Topics.SCHEMAS))
                    .allTopicNames()
                    .get();
        } catch (InterruptedException e) {
            throw new InterruptException(e);
        } catch (ExecutionException e) {
            throw new KafkaException(
                    "the sink can't find its topics at " + client.get(CommonClientConfigs.BOOTSTRAP_SERVERS_CONFIG)
                            + ": start varve up, or create the topics, before this role; Kafka says: "
                            + (e.getCause() == null ? e : e.getCause()).getMessage(),
                    e);
        }
        return TopicSchemaIds.read(patient);
    }

    private void employ(String name, SinkWorker worker) {
        Thread.ofPlatform().daemon().name(name).start(() -> {
            try {
                worker.run();
            } catch (InterruptedException e) {
                stop.give();
            } catch (Throwable e) {
                LOG.error("the sink role stops", e);
                failure = Optional.of(e);
                stop.give();
            } finally {
                working.countDown();
                if (working.getCount() == 0) {
                    ended.countDown();
                }
            }
        });
    }

    /** Waits until the role has ended, by {@link #close} or by a failure. */
    public Optional<Throwable> awaitEnd() throws InterruptedException {
        ended.await();
        return failure;
    }

    /** Stops in order: nothing new is begun, copies are cancelled and their tasks given back. */
    @Override
    public void close() {
        stop.give();
        try {
            if (!working.await(CLOSE_PATIENCE.toNanos(), TimeUnit.NANOSECONDS)) {
                LOG.warn("the sink role didn't stop within {}; its tasks' locks will expire", CLOSE_PATIENCE);
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
        writer.close();
        store.close();
        ended.countDown();
    }
}
