package io.varve.capture.tracking;

import java.util.concurrent.CompletableFuture;
import java.util.concurrent.atomic.AtomicInteger;

/**
 * The writes that were admitted between two cuts, until the last of them has ended. They're counted only from its end
 * on: what was in flight then.
 *
 * <p>Thread: {@link #close} with the gate held; {@link #exit} within a passage of the gate.
 */
final class Epoch {
    private final AtomicInteger inFlight = new AtomicInteger();
    private final CompletableFuture<Void> own = new CompletableFuture<>();
    private final CompletableFuture<Void> ended;
    private volatile boolean closed;

    /** An epoch after {@code before}. */
    Epoch(CompletableFuture<Void> before) {
        this.ended = CompletableFuture.allOf(before, own);
    }

    static Epoch first() {
        return new Epoch(CompletableFuture.completedFuture(null));
    }

    /** A write that was admitted to it has ended. */
    void exit() {
        if (closed && inFlight.decrementAndGet() == 0) {
            own.complete(null);
        }
    }

    boolean isClosed() {
        return closed;
    }

    /** No more writes are admitted to it; {@code count} of those that were haven't ended. */
    void close(int count) {
        inFlight.set(count);
        closed = true;
        if (count == 0) {
            own.complete(null);
        }
    }

    /**
     * Completes when it is closed and its writes, and all earlier ones, have ended; attach only asynchronous actions.
     */
    CompletableFuture<Void> ended() {
        return ended;
    }
}
