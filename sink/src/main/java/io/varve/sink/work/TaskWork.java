package io.varve.sink.work;

import io.varve.core.commit.Outcome;
import java.util.Optional;

/** One task being worked on. Thread: one performs; the others are safe for any. */
public interface TaskWork {
    /** What the task came to; empty when it's to be given back, since it was cancelled, or the store is away. */
    Optional<Answers> perform() throws InterruptedException;

    /** Lets {@link #perform} end soon, without a result if it has none yet. */
    void cancel();

    /** How far it is, for who waits; empty when that can't be said. */
    Optional<Outcome.Progress> progress();
}
