/** An agent's durable record of one drive's control events. */
@NullMarked
package io.varve.capture.journal;

import org.jspecify.annotations.NullMarked;
