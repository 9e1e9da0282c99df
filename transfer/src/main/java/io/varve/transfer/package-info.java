/** The copying, from a snapshot export and a cut to a qcow2 stream. */
@NullMarked
package io.varve.transfer;

import org.jspecify.annotations.NullMarked;
