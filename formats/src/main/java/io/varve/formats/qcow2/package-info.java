/**
 * QEMU's image format qcow2, version 3: written as a stream, read strictly, and only in the subset that Varve writes
 * (QEMU's docs/interop/qcow2.txt; 16-bit refcounts, no compression, no snapshots, no external data file).
 *
 * <p>What begins with Drive is of images that others made and that serve as drives: versions 2 and 3, with compressed
 * clusters and backing files.
 */
@NullMarked
package io.varve.formats.qcow2;

import org.jspecify.annotations.NullMarked;
