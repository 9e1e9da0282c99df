/** The topologies. */
@NullMarked
package io.varve.streams;

import org.jspecify.annotations.NullMarked;
