/** The whole of Varve on one machine: broker, store and roles as children of this process, kept alive until the end. */
@NullMarked
package io.varve.cli.stack;

import org.jspecify.annotations.NullMarked;
