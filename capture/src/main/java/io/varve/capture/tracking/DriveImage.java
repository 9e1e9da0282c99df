package io.varve.capture.tracking;

import io.varve.capture.backend.Backend;
import io.varve.core.id.DriveId;
import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.Optional;

/**
 * A drive to attach, and the image that holds it.
 *
 * @param name the path of its file, or the URI of another server's export
 * @param file where that is one of this host's
 * @param use who else may write to it
 * @param backend open for writing, and this agent's alone; closed when the drive is detached
 */
public record DriveImage(DriveId drive, String name, Optional<Path> file, Use use, Backend backend) {
    /** Who may write to an image while no agent has it. */
    public enum Use {
        /** Anyone: what can't prove that nobody did is taken for changed. */
        UNKNOWN,
        /** Nobody but Varve's agents, which the operator declares of what can't prove it. */
        EXCLUSIVE
    }

    /** A file of this host. */
    public DriveImage(DriveId drive, Path file, Backend backend) {
        this(drive, file.toString(), Optional.of(file), Use.UNKNOWN, backend);
    }

    /** Whether its file's times tell who wrote to it last. */
    boolean isRegularFile() {
        return file.filter(Files::isRegularFile).isPresent();
    }

    /**
     * Makes its file's times durable, which a flush needn't: a power cut would take them back, as if an older image had
     * taken its place.
     */
    void forceTimes() throws IOException {
        if (isRegularFile()) {
            try (FileChannel channel = FileChannel.open(file.orElseThrow(), StandardOpenOption.READ)) {
                channel.force(true);
            }
        }
    }

    boolean isExclusive() {
        return use == Use.EXCLUSIVE;
    }
}
