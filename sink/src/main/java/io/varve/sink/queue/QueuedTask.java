package io.varve.sink.queue;

import io.varve.core.commit.Task;

/** A record of the queue, held by a worker. */
public sealed interface QueuedTask {
    record Sound(Task task) implements QueuedTask {}

    /** A later version's, or nobody's of Varve; the sentence says where it stands. */
    record Unreadable(String reason) implements QueuedTask {}
}
