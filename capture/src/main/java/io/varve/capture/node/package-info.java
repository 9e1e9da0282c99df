/**
 * The graph of block nodes as QMP sees it: what QEMU calls a BlockDriverState is a {@link io.varve.capture.node.Node}.
 */
@NullMarked
package io.varve.capture.node;

import org.jspecify.annotations.NullMarked;
