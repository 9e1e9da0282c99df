/** The archive: what stands in the bucket, and how it gets there. */
@NullMarked
package io.varve.archive;

import org.jspecify.annotations.NullMarked;
