/** The NBD server: listeners, connections, and the exports that they serve. */
@NullMarked
package io.varve.capture.nbd;

import org.jspecify.annotations.NullMarked;
