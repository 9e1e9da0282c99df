package io.varve.capture.tracking;

import java.util.concurrent.CompletableFuture;
import java.util.concurrent.atomic.AtomicInteger;

/**
 * The writes that were admitted between two cuts, until the last of them has ended.
 *
 * <p>Thread: {@link #enter} and {@link #exit} within the gate; {@link #close} while the gate is held, or after.
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

    void enter() {
        inFlight.getAndIncrement();
    }

    void exit() {
        if (inFlight.decrementAndGet() == 0 && closed) {
            own.complete(null);
        }
    }

    /** No more writes are admitted to it. */
    void close() {
        closed = true;
        if (inFlight.get() == 0) {
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
