/** Varve's own bytes on the log. */
@NullMarked
package io.varve.schemas;

import org.jspecify.annotations.NullMarked;
