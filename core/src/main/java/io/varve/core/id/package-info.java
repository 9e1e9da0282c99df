/** The names of things: drives, bitmaps, sync points, incarnations and journals, each checked when it is made. */
@NullMarked
package io.varve.core.id;

import org.jspecify.annotations.NullMarked;
