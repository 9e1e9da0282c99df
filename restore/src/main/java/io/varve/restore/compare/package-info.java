/** Comparing a drive with what it was earlier: with a sync point by checksums, or with an image. */
@NullMarked
package io.varve.restore.compare;

import org.jspecify.annotations.NullMarked;
