package io.varve.capture.snapshot;

import java.util.concurrent.Executor;
import java.util.function.Consumer;

/**
 * What a snapshot copies with.
 *
 * @param executor runs the copies; its threads are never interrupted
 * @param timeoutMillis how long a guest's write may wait for its copies
 * @param onEnd told once, when a snapshot breaks or is released; must not block
 */
public record Copying(Executor executor, CopyBuffers buffers, long timeoutMillis, Consumer<Snapshot> onEnd) {
    public Copying {
        if (timeoutMillis <= 0) {
            throw new IllegalArgumentException("copy-before-write timeout of " + timeoutMillis + " ms; expected > 0");
        }
    }
}
