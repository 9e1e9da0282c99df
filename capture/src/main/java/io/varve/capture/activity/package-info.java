/** An agent's durable log of the regions that guests may be writing: what it marks after a crash of the host. */
@NullMarked
package io.varve.capture.activity;

import org.jspecify.annotations.NullMarked;
