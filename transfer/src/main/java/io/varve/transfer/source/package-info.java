/** Where a copy reads a drive's point in time from. */
@NullMarked
package io.varve.transfer.source;

import org.jspecify.annotations.NullMarked;
