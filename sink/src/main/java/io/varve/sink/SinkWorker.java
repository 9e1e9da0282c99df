package io.varve.sink;

import io.varve.sink.queue.OutcomeWriter;
import io.varve.sink.queue.QueuedTask;
import io.varve.sink.queue.TaskQueue;
import io.varve.sink.work.StopSignal;
import io.varve.sink.work.TaskWork;
import io.varve.sink.work.Workbench;
import java.time.Duration;
import java.util.Optional;
import java.util.function.Supplier;
import org.apache.kafka.common.KafkaException;
import org.apache.kafka.common.config.ConfigException;
import org.apache.kafka.common.errors.AuthenticationException;
import org.apache.kafka.common.errors.AuthorizationException;
import org.apache.kafka.common.errors.InterruptException;
import org.apache.kafka.common.errors.UnsupportedVersionException;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Takes one task after the other, renews its lock and tells how far it is while the task's own thread works. Kafka may
 * be away for as long as it likes: the worker joins again.
 *
 * <p>Thread: its own.
 */
final class SinkWorker {
    private static final Logger LOG = LoggerFactory.getLogger(SinkWorker.class);
    private static final Duration POLL = Duration.ofMillis(500);

    /** How often a worker looks up from waiting for its task: a stop is noticed at most so late. */
    private static final Duration SLICE = Duration.ofMillis(250);

    private static final Duration PAUSE = Duration.ofSeconds(2);

    private final String name;
    private final Supplier<TaskQueue> queues;
    private final OutcomeWriter writer;
    private final Workbench bench;
    private final Duration heartbeat;

    SinkWorker(String name, Supplier<TaskQueue> queues, OutcomeWriter writer, Workbench bench, Duration heartbeat) {
        this.name = name;
        this.queues = queues;
        this.writer = writer;
        this.bench = bench;
        this.heartbeat = heartbeat;
    }

    /** Works until the stop signal is given. */
    void run() throws InterruptedException {
        while (!stop().isGiven()) {
            try (TaskQueue queue = queues.get()) {
                serve(queue);
            } catch (KafkaException e) {
                if (isFinal(e)) {
                    throw e;
                }
                LOG.warn("Kafka failed {}, which joins again: {}", name, e.getMessage());
                stop().pause(PAUSE);
            }
        }
    }

    private StopSignal stop() {
        return bench.stop();
    }

    private static boolean isFinal(KafkaException e) {
        return e instanceof AuthenticationException
                || e instanceof AuthorizationException
                || e instanceof UnsupportedVersionException
                || e instanceof ConfigException
                || e instanceof InterruptException;
    }

    private void serve(TaskQueue queue) throws InterruptedException {
        while (!stop().isGiven() && queue.isSound()) {
            Optional<QueuedTask> taken = queue.take(POLL);
            if (taken.isPresent()) {
                switch (taken.get()) {
                    case QueuedTask.Sound(var task) -> work(queue, bench.workOn(task));
                    case QueuedTask.Unreadable(String reason) -> {
                        LOG.error("{}; it's given back, in case another version's sink can", reason);
                        // It comes again at once; the lock holds for longer than this.
                        stop().pause(PAUSE);
                        queue.giveBack();
                    }
                }
            }
        }
    }

    private void work(TaskQueue queue, TaskWork work) throws InterruptedException {
        Duration slice = SLICE.compareTo(heartbeat) < 0 ? SLICE : heartbeat;
        long slicesPerBeat = heartbeat.dividedBy(slice);
        long slicesPerRenewal = Math.max(1, queue.renewalInterval().dividedBy(slice));
        work.progress().ifPresent(writer::announce);
        TaskRun run = TaskRun.start(name + "-task", work, writer, stop());
        Optional<TaskRun.End> end = run.await(slice);
        for (long slices = 1; end.isEmpty(); slices++) {
            if (stop().isGiven()) {
                run.cancel();
            }
            if (slices % slicesPerBeat == 0) {
                run.progress().ifPresent(writer::announce);
            }
            if (slices % slicesPerRenewal == 0) {
                queue.renew();
            }
            end = run.await(slice);
        }
        switch (end.get()) {
            case TOLD -> queue.finish();
            case GIVEN_BACK -> queue.giveBack();
        }
    }
}
