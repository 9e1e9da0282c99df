package io.varve.capture.job;

import io.varve.core.id.DriveId;
import java.nio.file.Path;
import java.util.Optional;
import java.util.OptionalLong;

/**
 * A drive as it was told to the agent.
 *
 * @param image the path of its file, or the URI of another server's export, as it was told
 * @param file where that is one of this host's
 * @param format QEMU's name: {@code raw}, {@code qcow2} …
 * @param granularityBytes of its new bitmaps, where a command gives none; QEMU's 64 KiB when empty
 */
public record DriveInfo(
        DriveId drive, String image, Optional<Path> file, String format, OptionalLong granularityBytes) {

    /** A drive whose image is a file of this host. */
    public DriveInfo(DriveId drive, Path file, String format, OptionalLong granularityBytes) {
        this(drive, file.toString(), Optional.of(file), format, granularityBytes);
    }
}
