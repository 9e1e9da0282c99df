/** From QMP's actions to the events of each drive, or QEMU's refusal. */
@NullMarked
package io.varve.core.transaction;

import org.jspecify.annotations.NullMarked;
