package io.varve.sink;

import io.varve.core.commit.Outcome;
import io.varve.sink.queue.OutcomeWriter;
import io.varve.sink.work.Answers;
import io.varve.sink.work.StopSignal;
import io.varve.sink.work.TaskWork;
import java.time.Duration;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** A task on a thread of its own, so that its worker can renew the lock meanwhile. Safe for any thread. */
final class TaskRun {
    private static final Logger LOG = LoggerFactory.getLogger(TaskRun.class);

    /** A task that breaks a worker by a bug comes again at once when it's given back. */
    private static final Duration PAUSE_AFTER_BUG = Duration.ofSeconds(5);

    private final TaskWork work;
    private final OutcomeWriter writer;
    private final StopSignal stop;
    private final CompletableFuture<End> end = new CompletableFuture<>();

    /** How it ended. */
    enum End {
        /** What it came to is in Kafka. */
        TOLD,
        /** Somebody has to do it again. */
        GIVEN_BACK
    }

    private TaskRun(TaskWork work, OutcomeWriter writer, StopSignal stop) {
        this.work = work;
        this.writer = writer;
        this.stop = stop;
    }

    static TaskRun start(String name, TaskWork work, OutcomeWriter writer, StopSignal stop) {
        TaskRun run = new TaskRun(work, writer, stop);
        Thread.ofPlatform().daemon().name(name).start(run::run);
        return run;
    }

    private void run() {
        try {
            end.complete(perform());
        } catch (InterruptedException e) {
            end.complete(End.GIVEN_BACK);
        } catch (Error e) {
            end.completeExceptionally(e);
            throw e;
        }
    }

    private End perform() throws InterruptedException {
        try {
            Optional<Answers> answers = work.perform();
            return answers.isPresent() && writer.write(answers.get()) ? End.TOLD : End.GIVEN_BACK;
        } catch (RuntimeException e) {
            LOG.error("a bug broke a task, which is given back", e);
            stop.pause(PAUSE_AFTER_BUG);
            return End.GIVEN_BACK;
        }
    }

    /** Waits for the end; empty when it doesn't come in time. */
    Optional<End> await(Duration patience) throws InterruptedException {
        try {
            return Optional.of(end.get(patience.toNanos(), TimeUnit.NANOSECONDS));
        } catch (TimeoutException e) {
            return Optional.empty();
        } catch (ExecutionException e) {
            throw new IllegalStateException("a task's thread broke", e);
        }
    }

    void cancel() {
        work.cancel();
    }

    Optional<Outcome.Progress> progress() {
        return work.progress();
    }
}
