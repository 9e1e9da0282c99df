package io.varve.capture.nbd;

import io.varve.capture.backend.Backend;
import io.varve.capture.backend.RequestFailedException;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Executor;

/**
 * Flushes of one backend, off the connections' threads: those that come while one runs share the next. A flush that is
 * all that its client waits for runs at once, on the thread that asks.
 *
 * <p>Safe for any thread. A flush is only shared by requests that came before it began, so each covers all that was
 * completed before its request.
 */
public final class GroupFlush {
    private final Backend backend;
    private final Executor executor;
    private List<Completion> waiting = new ArrayList<>(); // Guarded by this.
    private boolean running; // Guarded by this.

    /** Flushes {@code backend} on threads of {@code executor}, which must not interrupt them. */
    public GroupFlush(Backend backend, Executor executor) {
        this.backend = backend;
        this.executor = executor;
    }

    /** Flushes, and completes when that's done. */
    public void flush(Completion completion) {
        if (completion.isAwaited()) {
            flush(List.of(completion));
            return;
        }
        synchronized (this) {
            waiting.add(completion);
            if (running) {
                return;
            }
            running = true;
        }
        executor.execute(this::run);
    }

    private void run() {
        for (List<Completion> group = next(); !group.isEmpty(); group = next()) {
            flush(group);
        }
    }

    private void flush(List<Completion> group) {
        try {
            backend.flush();
        } catch (IOException e) {
            group.forEach(completion ->
                    completion.failed(RequestFailedException.errorOf(e), "flush failed: " + e.getMessage()));
            return;
        }
        group.forEach(Completion::done);
    }

    private synchronized List<Completion> next() {
        List<Completion> group = waiting;
        waiting = new ArrayList<>();
        running = !group.isEmpty();
        return group;
    }
}
