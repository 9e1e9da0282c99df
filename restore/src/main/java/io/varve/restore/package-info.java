/** Restoring from the archive alone. */
@NullMarked
package io.varve.restore;

import org.jspecify.annotations.NullMarked;
