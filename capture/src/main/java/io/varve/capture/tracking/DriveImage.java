package io.varve.capture.tracking;

import io.varve.capture.backend.Backend;
import io.varve.core.id.DriveId;
import java.nio.file.Path;

/**
 * A drive to attach, and the image that holds it.
 *
 * @param backend open for writing, and this agent's alone; closed when the drive is detached
 */
public record DriveImage(DriveId drive, Path path, Backend backend) {}
