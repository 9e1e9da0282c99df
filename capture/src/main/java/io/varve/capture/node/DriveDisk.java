package io.varve.capture.node;

import io.varve.capture.tracking.DriveImage;
import java.util.Optional;

/**
 * How a drive's image is opened, when it's this agent's turn.
 *
 * @param granularityBytes of bitmaps that are added without one
 */
public record DriveDisk(NodeSpec spec, DriveImage.Use use, Optional<Long> granularityBytes) {}
