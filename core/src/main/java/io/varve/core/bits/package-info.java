/** Extents, granularities and the bit sets that hold a generation's marks. */
@NullMarked
package io.varve.core.bits;

import org.jspecify.annotations.NullMarked;
