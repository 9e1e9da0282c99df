/** The embedded stack's child processes. */
@NullMarked
package io.varve.embedded.stack;

import org.jspecify.annotations.NullMarked;
