/** The part of QEMU's human monitor that its tests use. */
@NullMarked
package io.varve.capture.hmp;

import org.jspecify.annotations.NullMarked;
