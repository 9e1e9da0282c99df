package io.varve.transfer;

import io.varve.formats.qcow2.ImageGeometry;

/**
 * What's to be copied.
 *
 * @param drive its name, for messages
 * @param geometry of the image to write; its size is the drive's. Of a raw target only the size and the cluster count
 */
public record CopyJob(String drive, ImageGeometry geometry, CopyPlan plan) {}
