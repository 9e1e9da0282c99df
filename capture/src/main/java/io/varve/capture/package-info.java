/** The capture agent. */
@NullMarked
package io.varve.capture;

import org.jspecify.annotations.NullMarked;
