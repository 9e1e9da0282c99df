package io.varve.restore;

import io.varve.core.id.DriveId;
import java.nio.file.Path;

/**
 * What a restore made.
 *
 * @param backups of the chain that were laid over each other
 * @param readBytes from the archive's data objects
 */
public record RestoredDrive(DriveId drive, Path file, long sizeBytes, int backups, long readBytes) {}
