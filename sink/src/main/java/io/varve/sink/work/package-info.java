/** What a task asks for: copying a cut into the archive, and writing decisions. No Kafka. */
@NullMarked
package io.varve.sink.work;

import org.jspecify.annotations.NullMarked;
