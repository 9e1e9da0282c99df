package io.varve.capture.backend.qcow2;

import io.varve.core.bits.HierarchicalBitSet;

/**
 * A bitmap that an image is to keep.
 *
 * @param granularityBytes a power of two
 * @param isAuto whether writes are to be recorded as soon as the image is opened
 * @param bits one a granule, from the drive's first; nobody changes them meanwhile
 */
public record BitmapToStore(String name, long granularityBytes, boolean isAuto, HierarchicalBitSet bits) {}
