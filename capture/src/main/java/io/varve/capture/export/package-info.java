/** Nodes offered by NBD on demand: QEMU's block exports, apart from where guests write. */
@NullMarked
package io.varve.capture.export;

import org.jspecify.annotations.NullMarked;
