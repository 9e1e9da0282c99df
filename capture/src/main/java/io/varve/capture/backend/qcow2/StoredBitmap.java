package io.varve.capture.backend.qcow2;

/**
 * A bitmap that an image keeps.
 *
 * @param isAuto whether writes are recorded as soon as the image is opened
 * @param isInconsistent it wasn't stored by who changed it last, so it can only be removed
 */
public record StoredBitmap(String name, long granularityBytes, boolean isAuto, boolean isInconsistent) {}
