/**
 * QEMU's image format qcow2, version 3 (its docs/interop/qcow2.txt): images are written as a stream, in a subset
 * (16-bit refcounts, no compression, no snapshots, no external data file); of prepared ones the header is read,
 * strictly.
 */
@NullMarked
package io.varve.formats.qcow2;

import org.jspecify.annotations.NullMarked;
