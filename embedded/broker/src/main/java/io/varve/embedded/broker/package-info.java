/** The embedded Kafka broker: one node, one process, small. */
@NullMarked
package io.varve.embedded.broker;

import org.jspecify.annotations.NullMarked;
