package io.varve.capture.backend.qcow2;

import io.varve.capture.backend.Backend;
import io.varve.capture.backend.BackendAccess;
import io.varve.capture.backend.RawFileBackend;
import io.varve.formats.qcow2.DriveHeader;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.InvalidPathException;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.regex.Pattern;
import java.util.stream.Stream;

/**
 * Whether backing files are followed. A guest or a stranger may have written an image's header, so that's only done
 * when somebody asks for it.
 */
public enum BackingRule {
    /** An image with a backing file is refused. */
    REFUSE,
    /** Backing files are opened for reading, each as the format that the image above states. */
    FOLLOW;

    private static final int DEPTH_MAX = 64;
    /** As QEMU has it: a colon before any slash makes a name a protocol's. */
    private static final Pattern PROTOCOL = Pattern.compile("[^/]*:.*");

    /** Opens what lies under the last image of a chain. */
    interface Opener {
        /**
         * Opens it.
         *
         * @param chain the images from the drive's down to the one that has {@code header}
         */
        Optional<Backend> open(List<Path> chain, DriveHeader header) throws IOException;
    }

    Optional<Backend> open(List<Path> chain, DriveHeader header) throws IOException {
        if (header.backingName().isEmpty()) {
            return Optional.empty();
        }
        String name = header.backingName().get();
        String subject = "image " + chain.getLast() + " has the backing file '" + name + "'";
        if (this == REFUSE) {
            throw new IOException(
                    subject + ", which isn't followed unless that's asked for; add backing=on, or flatten it"
                            + " by 'qemu-img convert'");
        }
        if (PROTOCOL.matcher(name).matches()) {
            throw new IOException(subject + ", expected the name of a file; change it by 'qemu-img rebase -u'");
        }
        Path path = path(chain.getLast(), name, subject);
        check(chain, path, subject);
        List<Path> longer = Stream.concat(chain.stream(), Stream.of(path)).toList();
        String format = header.backingFormat().orElse("");
        return Optional.of(
                switch (format) {
                    case "raw" -> RawFileBackend.open(path, BackendAccess.READ_ONLY);
                    case "qcow2" -> Qcow2Backend.open(longer, BackendAccess.READ_ONLY, this::open);
                    default ->
                        throw new IOException(subject + " of "
                                + (format.isEmpty() ? "no stated format" : "the format '" + format + "'")
                                + ", expected raw or qcow2; state it by 'qemu-img rebase -u -F'");
                });
    }

    private static void check(List<Path> chain, Path path, String subject) throws IOException {
        if (chain.size() > DEPTH_MAX) {
            throw new IOException(subject + " under a chain of " + chain.size() + " images, expected at most "
                    + DEPTH_MAX + "; flatten it by 'qemu-img convert'");
        }
        for (Path above : chain) {
            if (Files.exists(path) && Files.isSameFile(above, path)) {
                throw new IOException(
                        subject + ", which is an image of its own chain; change it by 'qemu-img rebase -u'");
            }
        }
    }

    private static Path path(Path image, String name, String subject) throws IOException {
        try {
            return image.resolveSibling(name);
        } catch (InvalidPathException e) {
            throw new IOException(subject + ", which can't be a path: " + e.getReason(), e);
        }
    }
}
