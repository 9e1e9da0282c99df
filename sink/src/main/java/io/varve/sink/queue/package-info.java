/** The sinks' side of Kafka: taking tasks from the share group, and telling what became of them. */
@NullMarked
package io.varve.sink.queue;

import org.jspecify.annotations.NullMarked;
