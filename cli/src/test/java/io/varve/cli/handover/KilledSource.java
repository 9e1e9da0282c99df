package io.varve.cli.handover;

import io.varve.capture.handover.Chunk;
import io.varve.capture.handover.Part;
import io.varve.core.handover.SourceSide;
import io.varve.core.id.IncarnationId;
import io.varve.embedded.stack.ChildProcess;
import java.io.IOException;
import java.util.concurrent.CompletableFuture;

/** A source that's killed at one of the steps that are asked of it: before, during or after it. */
final class KilledSource implements HandoverSource {
    private final HandoverSource source;
    private final ChildProcess agent;
    private final int step;
    private final When when;
    private int steps;

    enum When {
        BEFORE,
        DURING,
        AFTER
    }

    private interface Step<T> {
        T run() throws IOException, InterruptedException;
    }

    KilledSource(HandoverSource source, ChildProcess agent, int step, When when) {
        this.source = source;
        this.agent = agent;
        this.step = step;
        this.when = when;
    }

    private <T> T take(Step<T> task) throws IOException, InterruptedException {
        if (steps++ != step) {
            return task.run();
        }
        switch (when) {
            case BEFORE -> {
                agent.killNow();
                return task.run();
            }
            case DURING -> {
                CompletableFuture<Void> kill = CompletableFuture.runAsync(() -> {
                    try {
                        agent.killNow();
                    } catch (InterruptedException e) {
                        Thread.currentThread().interrupt();
                    }
                });
                try {
                    return task.run();
                } finally {
                    kill.join();
                }
            }
            case AFTER -> {
                T result = task.run();
                agent.killNow();
                return result;
            }
        }
        throw new AssertionError(when);
    }

    @Override
    public SourceSide side() throws IOException, InterruptedException {
        return take(source::side);
    }

    @Override
    public void release(String to) throws IOException, InterruptedException {
        var _ = take(() -> {
            source.release(to);
            return to;
        });
    }

    @Override
    public Chunk read(IncarnationId handover, Part part, int offsetBytes) throws IOException, InterruptedException {
        return take(() -> source.read(handover, part, offsetBytes));
    }

    @Override
    public void forget(IncarnationId handover) throws IOException, InterruptedException {
        var _ = take(() -> {
            source.forget(handover);
            return handover;
        });
    }
}
