package io.varve.capture.job;

import io.varve.formats.qcow2.ClusterSize;
import io.varve.formats.qcow2.ImageGeometry;
import io.varve.transfer.target.LocalImageTarget;
import io.varve.transfer.target.RawWriter;
import java.io.IOException;
import java.nio.file.AccessDeniedException;
import java.nio.file.FileSystemException;
import java.nio.file.Files;
import java.nio.file.InvalidPathException;
import java.nio.file.NoSuchFileException;
import java.nio.file.NotDirectoryException;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * Opens the files that backups go to, before anything else happens. Where QEMU 7.2 refuses one, the words are its.
 *
 * <p>An image of a drive of this agent is never a target, under whatever name: that would destroy it.
 */
final class TargetOpener {
    /** QEMU's path_has_protocol: a colon before any slash. */
    private static final Pattern PROTOCOL = Pattern.compile("([^/:]*):(.*)", Pattern.DOTALL);

    private static final String FILE_PROTOCOL = "file";
    private static final String PARTIAL_SUFFIX = ".partial";

    /** stat(2): S_IFMT, S_IFREG, S_IFBLK. */
    private static final int KIND_MASK = 0170000;

    private static final int KIND_REGULAR = 0100000;
    private static final int KIND_BLOCK_DEVICE = 0060000;

    private final List<DriveInfo> drives;

    TargetOpener(List<DriveInfo> drives) {
        this.drives = List.copyOf(drives);
    }

    /** What came of it. */
    sealed interface Opening {
        record Opened(OpenedTarget target) implements Opening {}

        record Refused(String description) implements Opening {}
    }

    /** Opens {@code file} for a backup of {@code source}, which has {@code sizeBytes}. */
    Opening open(DriveInfo source, long sizeBytes, JobAction.Target.File file) {
        String format = file.format().orElse(source.format());
        boolean isKnown = format.equals("raw") || format.equals("qcow2");
        if (!isKnown) {
            return new Opening.Refused(
                    (file.mode() == JobAction.Mode.EXISTING ? "Unknown driver '" : "Unknown file format '") + format
                            + "'");
        }
        try {
            Path path = path(file.path());
            checkNotADrive(source, path);
            if (file.mode() == JobAction.Mode.EXISTING) {
                checkKind(path);
            }
            return new Opening.Opened(
                    switch (file.mode()) {
                        case ABSOLUTE_PATHS -> create(path, sizeBytes, format);
                        case EXISTING ->
                            format.equals("qcow2") ? replaceQcow2(path, sizeBytes) : writeRaw(path, sizeBytes);
                    });
        } catch (RefusedTargetException e) {
            return new Opening.Refused(e.description());
        } catch (IOException e) {
            String verb = file.mode() == JobAction.Mode.EXISTING ? "Could not open '" : "Could not create '";
            return new Opening.Refused(verb + file.path() + "': " + reason(e));
        }
    }

    private static Path path(String text) throws RefusedTargetException {
        String name = text;
        Matcher matcher = PROTOCOL.matcher(text);
        if (matcher.matches()) {
            if (!matcher.group(1).equals(FILE_PROTOCOL)) {
                throw new RefusedTargetException("Unknown protocol '" + matcher.group(1) + "'");
            }
            name = matcher.group(2);
        }
        if (name.isEmpty()) {
            throw new RefusedTargetException("The 'file' block driver requires a file name");
        }
        try {
            return Path.of(name).toAbsolutePath();
        } catch (InvalidPathException e) {
            throw new RefusedTargetException("Could not open the target: its name can't be a path: " + e.getReason());
        }
    }

    private void checkNotADrive(DriveInfo source, Path target) throws IOException, RefusedTargetException {
        Path real = Files.exists(target) ? target.toRealPath() : target;
        Path partial = real.resolveSibling(real.getFileName() + PARTIAL_SUFFIX);
        for (DriveInfo drive : drives) {
            if (isSame(drive.file(), target) && drive.drive().equals(source.drive())) {
                throw new RefusedTargetException("Source and target cannot be the same");
            }
            if (isSame(drive.file(), target) || isSame(drive.file(), partial)) {
                throw new RefusedTargetException("Could not open '" + target + "': it's the image of drive '"
                        + drive.drive() + "', or is written beside it under its name: choose another target");
            }
        }
    }

    /** To open a pipe would wait for somebody at its other end. */
    private static void checkKind(Path path) throws IOException, RefusedTargetException {
        int kind = (int) Files.getAttribute(path, "unix:mode") & KIND_MASK;
        if (kind != KIND_REGULAR && kind != KIND_BLOCK_DEVICE) {
            throw new RefusedTargetException(
                    "Could not open '" + path + "': it's neither a regular file nor a block device");
        }
    }

    private static boolean isSame(Optional<Path> image, Path other) throws IOException {
        return image.isPresent()
                && Files.exists(image.get())
                && Files.exists(other)
                && Files.isSameFile(image.get(), other);
    }

    private static OpenedTarget create(Path path, long sizeBytes, String format)
            throws IOException, RefusedTargetException {
        ImageGeometry geometry = geometry(sizeBytes);
        return new OpenedTarget(
                geometry,
                format.equals("qcow2")
                        ? new OpenedTarget.Image.Qcow2(LocalImageTarget.create(path))
                        : new OpenedTarget.Image.Raw(RawWriter.create(
                                path, sizeBytes, geometry.clusterSize().bytes())));
    }

    private static OpenedTarget replaceQcow2(Path path, long sizeBytes) throws IOException, RefusedTargetException {
        ImageGeometry geometry = PreparedImage.read(path);
        checkSize(geometry.sizeBytes(), sizeBytes);
        return new OpenedTarget(geometry, new OpenedTarget.Image.Qcow2(LocalImageTarget.create(path)));
    }

    private static OpenedTarget writeRaw(Path path, long sizeBytes) throws IOException, RefusedTargetException {
        ImageGeometry geometry = geometry(sizeBytes);
        checkSize(RawWriter.existingBytes(path), sizeBytes);
        return new OpenedTarget(
                geometry,
                new OpenedTarget.Image.Raw(RawWriter.existing(
                        path, sizeBytes, geometry.clusterSize().bytes())));
    }

    private static ImageGeometry geometry(long sizeBytes) throws RefusedTargetException {
        Optional<String> objection = ImageGeometry.objection(sizeBytes, ClusterSize.DEFAULT, Optional.empty());
        if (objection.isPresent()) {
            throw new RefusedTargetException("The target can't be made: it would be " + objection.get());
        }
        return new ImageGeometry(sizeBytes, ClusterSize.DEFAULT, Optional.empty());
    }

    private static void checkSize(long targetBytes, long sizeBytes) throws RefusedTargetException {
        if (targetBytes != sizeBytes) {
            throw new RefusedTargetException("Source and target image have different sizes");
        }
    }

    /** As strerror says it. */
    private static String reason(IOException failure) {
        return switch (failure) {
            case NoSuchFileException _ -> "No such file or directory";
            case AccessDeniedException _ -> "Permission denied";
            case NotDirectoryException _ -> "Not a directory";
            case FileSystemException e when e.getReason() != null -> e.getReason();
            default -> String.valueOf(failure.getMessage());
        };
    }
}
