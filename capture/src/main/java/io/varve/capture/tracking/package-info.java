/** Writes become marks: the write path, cuts, recovery, and the agent that ties them to the journal. */
@NullMarked
package io.varve.capture.tracking;

import org.jspecify.annotations.NullMarked;
