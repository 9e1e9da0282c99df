/** Nodes that stand above a drive to keep a point in time of it: QEMU's copy-before-write and snapshot-access. */
@NullMarked
package io.varve.capture.filter;

import org.jspecify.annotations.NullMarked;
