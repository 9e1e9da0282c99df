/** Parts and outcomes gathered by unit, until its decision is known. */
@NullMarked
package io.varve.streams.unit;

import org.jspecify.annotations.NullMarked;
