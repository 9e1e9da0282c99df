/** Points in time of a drive: what guests overwrite is copied to a fleece first, and read from there. */
@NullMarked
package io.varve.capture.snapshot;

import org.jspecify.annotations.NullMarked;
