/** The agent's control face: QEMU's machine protocol, as far as bitmaps and backups go. */
@NullMarked
package io.varve.capture.qmp;

import org.jspecify.annotations.NullMarked;
