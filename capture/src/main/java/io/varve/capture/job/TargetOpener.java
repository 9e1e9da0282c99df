package io.varve.capture.job;

import io.varve.capture.backend.qcow2.BackingRule;
import io.varve.capture.node.Node;
import io.varve.capture.node.NodeGraph;
import io.varve.capture.node.NodeOptions;
import io.varve.capture.node.NodeRefusedException;
import io.varve.capture.node.NodeSpec;
import io.varve.capture.node.NodeUse;
import io.varve.core.drive.BitmapMode;
import io.varve.core.transaction.SyncMode;
import io.varve.formats.qcow2.Backing;
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
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Opens the files that backups go to, before anything else happens. Where QEMU 7.2 refuses one, the words are its.
 *
 * <p>An image of a drive of this agent is never a target, under whatever name: that would destroy it.
 */
final class TargetOpener {
    /** QEMU's path_has_protocol: a colon before any slash. */
    private static final Pattern PROTOCOL = Pattern.compile("([^/:]*):(.*)", Pattern.DOTALL);

    private static final Logger LOG = LoggerFactory.getLogger(TargetOpener.class);
    private static final String NO_COMPRESSION = "Compression is not supported for this drive ";
    private static final String FILE_PROTOCOL = "file";

    /** QEMU's names; a file as it is is a raw one. */
    private static final List<String> FORMATS = List.of("raw", "file", "qcow2");

    private static final String PARTIAL_SUFFIX = ".partial";

    /** stat(2): S_IFMT, S_IFREG, S_IFBLK. */
    private static final int KIND_MASK = 0170000;

    private static final int KIND_REGULAR = 0100000;
    private static final int KIND_BLOCK_DEVICE = 0060000;

    private final NodeGraph graph;

    TargetOpener(NodeGraph graph) {
        this.graph = graph;
    }

    /** Opens the target of a backup of {@code source}, which has {@code sizeBytes}. */
    OpenedTarget open(Node source, long sizeBytes, JobAction.Backup backup) throws NodeRefusedException {
        OpenedTarget target = switch (backup.target()) {
            case JobAction.Target.File file -> open(new Wish(source, sizeBytes, backup), file);
            case JobAction.Target.Node(String name) -> node(source, sizeBytes, name);
            case JobAction.Target.Archive _ -> throw new IllegalArgumentException("the archive is the sinks'");
        };
        Optional<String> objection = objection(target, backup.terms());
        if (objection.isPresent()) {
            giveUp(target);
            throw new NodeRefusedException(objection.get());
        }
        if (backup.terms().compress()) {
            target.compress();
        }
        return target;
    }

    /** What is to be backed up, and how. */
    private record Wish(Node source, long sizeBytes, JobAction.Backup backup) {
        SyncMode sync() {
            return backup.action().sync();
        }

        /** A part that fails, or what guests overwrite, needs a target that's there as the copy goes. */
        boolean needsNode() {
            return sync() == SyncMode.NONE
                    || backup.terms().compress()
                    || backup.action()
                            .bitmapMode()
                            .filter(BitmapMode.ALWAYS::equals)
                            .isPresent();
        }
    }

    private static Optional<String> objection(OpenedTarget target, JobTerms terms) {
        long workers = terms.perf().workersMax();
        long chunkBytes = terms.perf().chunkBytesMax();
        int clusterBytes = target.geometry().clusterSize().bytes();
        if (terms.compress() && !target.takesCompressed()) {
            return Optional.of(NO_COMPRESSION);
        }
        if (workers < 1 || workers > Integer.MAX_VALUE) {
            return Optional.of("max-workers must be between 1 and " + Integer.MAX_VALUE);
        }
        if (chunkBytes < 0) {
            return Optional.of("max-chunk must be zero (which means no limit) or positive");
        }
        return chunkBytes > 0 && chunkBytes < clusterBytes
                ? Optional.of("Required max-chunk (" + chunkBytes + ") is less than backup cluster size ("
                        + clusterBytes + ")")
                : Optional.empty();
    }

    private static void giveUp(OpenedTarget target) {
        try {
            target.abort();
        } catch (IOException e) {
            LOG.warn("a target that was refused couldn't be given up: {}", e.getMessage());
        }
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

    private OpenedTarget open(Wish wish, JobAction.Target.File file) throws NodeRefusedException {
        String format = file.format().orElse(wish.source().driver());
        boolean isExisting = file.mode() == JobAction.Mode.EXISTING;
        if (!FORMATS.contains(format)) {
            throw new NodeRefusedException((isExisting ? "Unknown driver '" : "Unknown file format '") + format + "'");
        }
        boolean isQcow2 = format.equals("qcow2");
        if (wish.backup().terms().compress() && !isQcow2) {
            throw new NodeRefusedException(NO_COMPRESSION);
        }
        try {
            Path path = path(file.path());
            checkNotADrive(wish.source(), path);
            if (isExisting) {
                checkKind(path);
                return isQcow2 ? qcow2Node(path, wish) : writeRaw(path, wish);
            }
            return wish.needsNode() ? createNode(path, wish, isQcow2) : create(path, wish, isQcow2);
        } catch (RefusedTargetException e) {
            throw new NodeRefusedException(e.description());
        } catch (IOException e) {
            throw new NodeRefusedException(
                    (isExisting ? "Could not open '" : "Could not create '") + file.path() + "': " + reason(e));
        }
    }

    /** Where a client's name of a file leads. */
    static Path path(String text) throws RefusedTargetException {
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

    /** Refuses a file that is some node's image. */
    void checkNotADrive(Node source, Path target) throws IOException, RefusedTargetException {
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

    static boolean isSame(Optional<Path> image, Path other) throws IOException {
        return image.isPresent()
                && Files.exists(image.get())
                && Files.exists(other)
                && Files.isSameFile(image.get(), other);
    }

    private static OpenedTarget create(Path path, Wish wish, boolean isQcow2)
            throws IOException, RefusedTargetException {
        ImageGeometry geometry = geometry(wish, isQcow2);
        int clusterBytes = geometry.clusterSize().bytes();
        return new OpenedTarget(
                geometry,
                isQcow2
                        ? new OpenedTarget.Image.Qcow2(LocalImageTarget.create(path))
                        : new OpenedTarget.Image.Raw(RawWriter.create(path, wish.sizeBytes(), clusterBytes)));
    }

    /** A new image that's written as a node: what it has got stays, whatever comes. */
    private OpenedTarget createNode(Path path, Wish wish, boolean isQcow2) throws IOException, RefusedTargetException {
        if (isQcow2) {
            NewImages.qcow2(path, geometry(wish, true));
            return qcow2Node(path, wish);
        }
        NewImages.raw(path, wish.sizeBytes());
        return rawNode(path, wish);
    }

    private OpenedTarget qcow2Node(Path path, Wish wish) throws RefusedTargetException {
        NodeSpec.Backing backing = wish.sync() == SyncMode.NONE
                ? new NodeSpec.Backing.Given(
                        new NodeSpec.ChildSpec.Reference(wish.source().name()))
                : new NodeSpec.Backing.OfHeader(BackingRule.FOLLOW);
        return jobNode(new NodeSpec.Qcow2(NodeOptions.DEFAULT, file(path), backing), wish);
    }

    private OpenedTarget rawNode(Path path, Wish wish) throws RefusedTargetException {
        return jobNode(new NodeSpec.Raw(NodeOptions.DEFAULT, file(path)), wish);
    }

    static NodeSpec.ChildSpec file(Path path) {
        return new NodeSpec.ChildSpec.Inline(
                new NodeSpec.FileNode(NodeOptions.DEFAULT, FILE_PROTOCOL, path.toString()));
    }

    private OpenedTarget jobNode(NodeSpec spec, Wish wish) throws RefusedTargetException {
        try {
            Node node = graph.addForJob(spec);
            if (node.backend().sizeBytes() != wish.sizeBytes()) {
                graph.dropAfterJob(node);
                throw new RefusedTargetException("Source and target image have different sizes");
            }
            return into(node, wish.sizeBytes(), () -> graph.dropAfterJob(node));
        } catch (NodeRefusedException e) {
            throw new RefusedTargetException(e.description());
        }
    }

    private OpenedTarget writeRaw(Path path, Wish wish) throws IOException, RefusedTargetException {
        checkSize(RawWriter.existingBytes(path), wish.sizeBytes());
        if (wish.needsNode()) {
            return rawNode(path, wish);
        }
        ImageGeometry geometry = geometry(wish, false);
        int clusterBytes = geometry.clusterSize().bytes();
        return new OpenedTarget(
                geometry, new OpenedTarget.Image.Raw(RawWriter.existing(path, wish.sizeBytes(), clusterBytes)));
    }

    private static ImageGeometry geometry(Wish wish, boolean isQcow2) throws RefusedTargetException {
        Optional<Backing> backing =
                isQcow2 ? BackingChoice.of(wish.sync(), wish.source()).map(BackingChoice::named) : Optional.empty();
        Optional<String> objection = ImageGeometry.objection(wish.sizeBytes(), ClusterSize.DEFAULT, backing);
        if (objection.isPresent()) {
            throw new RefusedTargetException("The target can't be made: it would be " + objection.get());
        }
        return new ImageGeometry(wish.sizeBytes(), ClusterSize.DEFAULT, backing);
    }

    private static void checkSize(long targetBytes, long sizeBytes) throws RefusedTargetException {
        if (targetBytes != sizeBytes) {
            throw new RefusedTargetException("Source and target image have different sizes");
        }
    }

    /** As strerror says it. */
    static String reason(IOException failure) {
        return switch (failure) {
            case NoSuchFileException _ -> "No such file or directory";
            case AccessDeniedException _ -> "Permission denied";
            case NotDirectoryException _ -> "Not a directory";
            case FileSystemException e when e.getReason() != null -> e.getReason();
            default -> String.valueOf(failure.getMessage());
        };
    }
}
