/** Where a copy goes: images written in parts, and raw files. */
@NullMarked
package io.varve.transfer.target;

import org.jspecify.annotations.NullMarked;
