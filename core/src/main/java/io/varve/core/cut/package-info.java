/** The group hold: how one instant is had for all drives of a transaction. */
@NullMarked
package io.varve.core.cut;

import org.jspecify.annotations.NullMarked;
