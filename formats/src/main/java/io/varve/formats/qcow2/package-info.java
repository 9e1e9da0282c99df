/**
 * QEMU's image format qcow2, version 3 (its docs/interop/qcow2.txt): images are written as a stream, in a subset
 * (16-bit refcounts, no compression, no snapshots, no external data file); of prepared ones the header is read,
 * strictly.
 *
 * <p>What begins with Drive is of images that others made and that serve as drives: versions 2 and 3, with compressed
 * clusters and backing files.
 */
@NullMarked
package io.varve.formats.qcow2;

import org.jspecify.annotations.NullMarked;
