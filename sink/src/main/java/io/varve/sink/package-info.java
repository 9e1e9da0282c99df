/** From a task to a committed object. */
@NullMarked
package io.varve.sink;

import org.jspecify.annotations.NullMarked;
