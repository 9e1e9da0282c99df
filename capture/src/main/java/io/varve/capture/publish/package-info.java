/** The agent and Kafka: what happened goes out to the log, what became of the backups comes in. */
@NullMarked
package io.varve.capture.publish;

import org.jspecify.annotations.NullMarked;
