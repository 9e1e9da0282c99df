package io.varve.capture.job;

import io.varve.core.id.DriveId;
import java.nio.file.Path;
import java.util.OptionalLong;

/**
 * A drive as it was told to the agent.
 *
 * @param path of its image
 * @param format QEMU's name: {@code raw}, {@code qcow2} …
 * @param granularityBytes of its new bitmaps, where a command gives none; QEMU's 64 KiB when empty
 */
public record DriveInfo(DriveId drive, Path path, String format, OptionalLong granularityBytes) {}
