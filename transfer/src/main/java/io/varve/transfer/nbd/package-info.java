/** The NBD client: many requests in flight on a connection. */
@NullMarked
package io.varve.transfer.nbd;

import org.jspecify.annotations.NullMarked;
