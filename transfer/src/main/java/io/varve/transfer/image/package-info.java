/** Reads images in the subset of qcow2 that Varve writes, from wherever their bytes are. */
@NullMarked
package io.varve.transfer.image;

import org.jspecify.annotations.NullMarked;
