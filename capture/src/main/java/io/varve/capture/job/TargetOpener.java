package io.varve.capture.job;

import io.varve.capture.backend.qcow2.BackingRule;
import io.varve.capture.node.Node;
import io.varve.capture.node.NodeGraph;
import io.varve.capture.node.NodeOptions;
import io.varve.capture.node.NodeRefusedException;
import io.varve.capture.node.NodeSpec;
import io.varve.capture.node.NodeUse;
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

    private final NodeGraph graph;

    TargetOpener(NodeGraph graph) {
        this.graph = graph;
    }

    /** What came of it. */
    sealed interface Opening {
        record Opened(OpenedTarget target) implements Opening {}

        record Refused(String description) implements Opening {}
    }

    /** Opens {@code target} for a backup of {@code source}, which has {@code sizeBytes}. */
    Opening open(Node source, long sizeBytes, JobAction.Target target) {
        return switch (target) {
            case JobAction.Target.File file -> open(source, sizeBytes, file);
            case JobAction.Target.Node(String name) -> {
                try {
                    yield new Opening.Opened(node(source, sizeBytes, name));
                } catch (NodeRefusedException e) {
                    yield new Opening.Refused(e.description());
                }
            }
            case JobAction.Target.Archive _ -> throw new IllegalArgumentException("the archive is the sinks'");
        };
    }

    private OpenedTarget node(Node source, long sizeBytes, String name) throws NodeRefusedException {
        Node node = graph.get(name);
        if (node == source) {
            throw new NodeRefusedException("Source and target cannot be the same");
        }
        if (node.backend().sizeBytes() != sizeBytes) {
            throw new NodeRefusedException("Source and target image have different sizes");
        }
        if (node.isReadOnly()) {
            throw new NodeRefusedException("Block node is read-only");
        }
        NodeUse use = new NodeUse.Job("backup");
        graph.begin(node, use);
        return into(node, sizeBytes, () -> graph.end(node, use));
    }

    /** A copy goes by the target's clusters, or 64 KiB if those are smaller: as QEMU's backup does. */
    private static OpenedTarget into(Node node, long sizeBytes, Runnable ended) {
        int clusterBytes = node.qcow2()
                .map(image -> image.header().clusterSize().bytes())
                .map(bytes -> Math.max(bytes, ClusterSize.DEFAULT.bytes()))
                .orElse(ClusterSize.DEFAULT.bytes());
        ImageGeometry geometry = new ImageGeometry(sizeBytes, new ClusterSize(clusterBytes), Optional.empty());
        return new OpenedTarget(
                geometry, new OpenedTarget.Image.Into(new NodeWriter(node, sizeBytes, clusterBytes, ended)));
    }

    private Opening open(Node source, long sizeBytes, JobAction.Target.File file) {
        String format = file.format().orElse(source.driver());
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
                            format.equals("qcow2") ? existingQcow2(path, sizeBytes) : writeRaw(path, sizeBytes);
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

    private void checkNotADrive(Node source, Path target) throws IOException, RefusedTargetException {
        Path real = Files.exists(target) ? target.toRealPath() : target;
        Path partial = real.resolveSibling(real.getFileName() + PARTIAL_SUFFIX);
        if (isSame(source.path(), target)) {
            throw new RefusedTargetException("Source and target cannot be the same");
        }
        for (Node node : graph.newestFirst()) {
            Optional<Path> image = node.path();
            if (isSame(image, target) || isSame(image, partial)) {
                throw new RefusedTargetException("Could not open '" + target + "': it's the image of "
                        + graph.described(node)
                        + ", or is written beside it under its name: choose another target");
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

    private OpenedTarget existingQcow2(Path path, long sizeBytes) throws RefusedTargetException {
        try {
            Node node = graph.addForJob(new NodeSpec.Qcow2(
                    NodeOptions.DEFAULT,
                    new NodeSpec.ChildSpec.Inline(
                            new NodeSpec.FileNode(NodeOptions.DEFAULT, FILE_PROTOCOL, path.toString())),
                    new NodeSpec.Backing.OfHeader(BackingRule.FOLLOW)));
            if (node.backend().sizeBytes() != sizeBytes) {
                graph.dropAfterJob(node);
                throw new RefusedTargetException("Source and target image have different sizes");
            }
            return into(node, sizeBytes, () -> graph.dropAfterJob(node));
        } catch (NodeRefusedException e) {
            throw new RefusedTargetException(e.description());
        }
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
