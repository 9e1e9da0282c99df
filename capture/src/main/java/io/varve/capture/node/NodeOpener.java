package io.varve.capture.node;

import io.varve.capture.backend.Backend;
import io.varve.capture.backend.BackendAccess;
import io.varve.capture.backend.FaultBackend;
import io.varve.capture.backend.NbdBackend;
import io.varve.capture.backend.RangeBackend;
import io.varve.capture.backend.RawFileBackend;
import io.varve.capture.backend.qcow2.BackingRule;
import io.varve.capture.backend.qcow2.Qcow2Backend;
import io.varve.capture.node.NodeSpec.ChildSpec;
import io.varve.core.bits.Marks;
import io.varve.formats.nbd.NbdUri;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.InvalidPathException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Optional;
import java.util.function.LongSupplier;

/**
 * Opens what a {@link NodeSpec} describes, children first.
 *
 * <p>A format opens the file under it for itself, so the file's own node has no open file meanwhile. Faults of a
 * blkdebug node stand above the format that's on it: QEMU's formats raise {@code read_aio} and {@code write_aio} for
 * guests' data alone, and not for their tables.
 */
final class NodeOpener {
    private static final int DEPTH_MAX = 64;

    private final Children graph;
    private final LongSupplier nanos;
    private int depth; // Of the chain that's being opened; guarded by the graph's lock.

    /** How children come to be. */
    interface Children {
        Node child(ChildSpec spec, boolean readOnly) throws NodeRefusedException;

        /** What a dirty bitmap holds now. */
        Marks marks(NodeSpec.BitmapOf bitmap) throws NodeRefusedException;
    }

    /** An open node. */
    record Opened(NodeBackend backend, Map<String, Node> children) {}

    NodeOpener(Children graph, LongSupplier nanos) {
        this.graph = graph;
        this.nanos = nanos;
    }

    Opened open(NodeSpec spec) throws NodeRefusedException {
        Map<String, Node> children = new LinkedHashMap<>();
        boolean readOnly = spec.options().readOnly();
        try {
            switch (spec) {
                case NodeSpec.Raw(var _, ChildSpec file) -> children.put(Node.FILE, graph.child(file, readOnly));
                case NodeSpec.RawPart(var _, ChildSpec file, var _, var _) ->
                    children.put(Node.FILE, graph.child(file, readOnly));
                case NodeSpec.Qcow2(var _, ChildSpec file, var _) ->
                    children.put(Node.FILE, graph.child(file, readOnly));
                case NodeSpec.Blkdebug(var _, ChildSpec image, var _) ->
                    children.put(Node.IMAGE, graph.child(image, readOnly));
                case NodeSpec.CopyBeforeWrite(var _, ChildSpec file, ChildSpec target, var _) -> {
                    children.put(Node.FILE, graph.child(file, readOnly));
                    children.put(Node.TARGET, graph.child(target, false));
                }
                case NodeSpec.SnapshotAccess(var _, ChildSpec file) ->
                    children.put(Node.FILE, graph.child(file, readOnly));
                case NodeSpec.FileNode _, NodeSpec.NullCo _, NodeSpec.Nbd _ -> {}
            }
            return new Opened(new NodeBackend(backend(spec, children)), children);
        } catch (InvalidPathException e) {
            throw new NodeRefusedException("Could not open '" + e.getInput() + "': Invalid argument");
        }
    }

    /** Opens a node's own bytes again, as after its options have changed. */
    Backend backend(NodeSpec spec, Map<String, Node> children) throws NodeRefusedException {
        BackendAccess access = access(spec.options().readOnly());
        return switch (spec) {
            case NodeSpec.FileNode(var _, var _, String filename) ->
                opened(filename, () -> RawFileBackend.openOfAnySize(Path.of(filename), access));
            case NodeSpec.NullCo(var _, long sizeBytes, var _, long latency) ->
                new NullBackend(sizeBytes, latency, nanos);
            case NodeSpec.Nbd(var _, String uri, Duration delay) ->
                opened(uri, () -> NbdBackend.open(parsed(uri), access, delay, nanos));
            case NodeSpec.Blkdebug blkdebug -> raw(below(children), access, blkdebug);
            case NodeSpec.Raw raw -> raw(below(children), access, raw);
            case NodeSpec.RawPart part -> part(part, raw(below(children), access, part));
            case NodeSpec.Qcow2 qcow2 -> qcow2(qcow2, access, children);
            case NodeSpec.CopyBeforeWrite filter -> FilterOpener.copyBeforeWrite(filter, children, graph, nanos);
            case NodeSpec.SnapshotAccess _ -> FilterOpener.snapshotAccess(below(children));
        };
    }

    private static NbdUri parsed(String uri) throws IOException {
        try {
            return NbdUri.parse(uri);
        } catch (IllegalArgumentException e) {
            throw new IOException(String.valueOf(e.getMessage()), e);
        }
    }

    private static Node below(Map<String, Node> children) {
        return children.values().iterator().next();
    }

    /** The file that a format may open for itself, since nothing but faults stands between. */
    private static Optional<Path> file(Node below) {
        return switch (below.spec()) {
            case NodeSpec.FileNode file -> Optional.of(Path.of(file.filename()));
            case NodeSpec.Blkdebug _ -> file(below(below.children()));
            case NodeSpec.Raw _, NodeSpec.RawPart _, NodeSpec.Qcow2 _ -> Optional.empty();
            case NodeSpec.NullCo _, NodeSpec.Nbd _ -> Optional.empty();
            case NodeSpec.CopyBeforeWrite _, NodeSpec.SnapshotAccess _ -> Optional.empty();
        };
    }

    private Backend raw(Node below, BackendAccess access, NodeSpec spec) throws NodeRefusedException {
        Optional<Path> path = file(below);
        Backend backend;
        if (path.isPresent() && below.backend().now() instanceof AbsentBackend) {
            // Another node has the file; two writers that know nothing of each other would spoil it.
            backend = opened(below.filename(), () -> RawFileBackend.openBeside(path.get()));
        } else if (path.isPresent()) {
            lend(below);
            // What lies over a blkdebug node may be a format's file, of any size.
            backend = opened(
                    below.filename(),
                    () -> spec instanceof NodeSpec.Blkdebug
                            ? RawFileBackend.openOfAnySize(path.get(), access)
                            : RawFileBackend.open(path.get(), access));
        } else {
            backend = new ChildBackend(below);
        }
        return faulty(backend, spec, below);
    }

    /** QEMU's raw-format.c has the words. */
    private static Backend part(NodeSpec.RawPart part, Backend whole) throws NodeRefusedException {
        long wholeBytes = whole.sizeBytes();
        if (part.offsetBytes() > wholeBytes) {
            throw closing(
                    whole,
                    "Offset (" + part.offsetBytes() + ") cannot be greater than size of the containing file ("
                            + wholeBytes + ")");
        }
        long restBytes = wholeBytes - part.offsetBytes();
        long sizeBytes = part.sizeBytes().orElse(restBytes);
        if (sizeBytes > restBytes) {
            throw closing(
                    whole,
                    "The sum of offset (" + part.offsetBytes() + ") and size (" + sizeBytes
                            + ") has to be smaller or equal to the  actual size of the containing file (" + wholeBytes
                            + ")");
        }
        return new RangeBackend(whole, part.offsetBytes(), sizeBytes);
    }

    private static NodeRefusedException closing(Backend opened, String why) throws NodeRefusedException {
        try {
            opened.close();
        } catch (IOException e) {
            return new NodeRefusedException(why + "; and then: " + e.getMessage());
        }
        return new NodeRefusedException(why);
    }

    private Backend qcow2(NodeSpec.Qcow2 spec, BackendAccess access, Map<String, Node> children)
            throws NodeRefusedException {
        Node below = below(children);
        Path path = file(below)
                .orElseThrow(() -> new NodeRefusedException("Could not open '" + below.filename()
                        + "': Varve opens qcow2 images in files and on devices alone, not over '" + below.driver()
                        + "'"));
        lend(below);
        NodeRefusedException[] refused = new NodeRefusedException[1];
        try {
            Backend image = opened(
                    below.filename(),
                    () -> Qcow2Backend.open(path, access, header -> {
                        try {
                            Optional<Node> backing = backing(spec, path, header.backingName(), header.backingFormat());
                            backing.ifPresent(node -> children.put(Node.BACKING, node));
                            return backing.map(node -> new BorrowedBackend(node.backend()));
                        } catch (NodeRefusedException e) {
                            refused[0] = e;
                            throw new IOException(e.description(), e);
                        }
                    }));
            return faulty(image, spec, below);
        } catch (NodeRefusedException e) {
            throw refused[0] == null ? e : refused[0];
        }
    }

    private Optional<Node> backing(NodeSpec.Qcow2 spec, Path image, Optional<String> name, Optional<String> format)
            throws NodeRefusedException, IOException {
        return switch (spec.backing()) {
            case NodeSpec.Backing.None _ -> Optional.empty();
            case NodeSpec.Backing.Given(ChildSpec child) -> Optional.of(graph.child(child, true));
            case NodeSpec.Backing.OfHeader ofHeader -> {
                if (name.isEmpty()) {
                    yield Optional.empty();
                }
                if (ofHeader.rule() == BackingRule.REFUSE) {
                    throw new IOException("image " + image + " has the backing file '" + name.get()
                            + "', which isn't followed unless that's asked for; add backing=on, or flatten it by"
                            + " 'qemu-img convert'");
                }
                NodeSpec found = ofHeader(image, name.get(), format.orElse("raw"), ofHeader.under());
                yield Optional.of(followed(found.with(found.options().named(ofHeader.first()))));
            }
        };
    }

    private Node followed(NodeSpec spec) throws NodeRefusedException {
        if (depth == DEPTH_MAX) {
            throw new NodeRefusedException("Could not open '" + spec.bottom().orElse("")
                    + "': it would be the backing file number " + DEPTH_MAX + " of its chain; flatten it");
        }
        depth++;
        try {
            return graph.child(new ChildSpec.Inline(spec), true);
        } finally {
            depth--;
        }
    }

    /** A chain that goes round ends at the lock of its own image, or at the limit. */
    private static NodeSpec ofHeader(Path image, String name, String format, NodeSpec.Backing.OfHeader under)
            throws NodeRefusedException {
        Path path = image.resolveSibling(name.startsWith("file:") ? name.substring("file:".length()) : name);
        NodeOptions options = NodeOptions.DEFAULT.readOnly(true);
        ChildSpec file = new ChildSpec.Inline(new NodeSpec.FileNode(options, "file", path.toString()));
        return switch (format) {
            case "raw" -> new NodeSpec.Raw(options, file);
            case "qcow2" -> new NodeSpec.Qcow2(options, file, under);
            default -> throw new NodeRefusedException("Could not open backing file: Unknown driver '" + format + "'");
        };
    }

    /** The node above opens the file for itself. */
    private static void lend(Node file) throws NodeRefusedException {
        if (file.spec() instanceof NodeSpec.Blkdebug) {
            lend(file.children().values().iterator().next());
        }
        long sizeBytes = file.backend().sizeBytes();
        try {
            file.backend().replace(new AbsentBackend(file.name(), sizeBytes)).close();
        } catch (IOException e) {
            throw new NodeRefusedException("Could not close '" + file.filename() + "': " + e.getMessage());
        }
    }

    /** Opens a node's bytes again, over the children that it has. */
    Backend again(Node node, NodeSpec spec) throws NodeRefusedException {
        NodeSpec same = spec;
        if (spec instanceof NodeSpec.Qcow2 qcow2) {
            NodeSpec.Backing under = node.backing()
                    .<NodeSpec.Backing>map(b -> new NodeSpec.Backing.Given(new ChildSpec.Reference(b.name())))
                    .orElse(new NodeSpec.Backing.None());
            same = new NodeSpec.Qcow2(qcow2.options(), qcow2.file(), under);
        }
        return backend(same, new LinkedHashMap<>(node.children()));
    }

    /** A node that lent its file has it again when nobody is above it. */
    void takeBack(Node file) throws NodeRefusedException {
        if (file.parents().isEmpty() && file.backend().now() instanceof AbsentBackend) {
            Backend _ = file.backend().replace(backend(file.spec(), file.children()));
        }
    }

    private static Backend faulty(Backend backend, NodeSpec spec, Node below) {
        if (spec instanceof NodeSpec.Blkdebug blkdebug) {
            return new FaultBackend(backend, blkdebug.rules());
        }
        return below.spec() instanceof NodeSpec.Blkdebug blkdebug
                ? new FaultBackend(backend, blkdebug.rules())
                : backend;
    }

    private static BackendAccess access(boolean readOnly) {
        return readOnly ? BackendAccess.READ_ONLY : BackendAccess.READ_WRITE;
    }

    private interface Open {
        Backend backend() throws IOException;
    }

    private static Backend opened(String filename, Open open) throws NodeRefusedException {
        try {
            return open.backend();
        } catch (IOException e) {
            String sentence = String.valueOf(e.getMessage());
            throw new NodeRefusedException(inQemusWords(filename, sentence), sentence);
        }
    }

    private static String inQemusWords(String filename, String sentence) {
        if (!filename.contains("://") && !Files.exists(Path.of(filename))) {
            return "Could not open '" + filename + "': No such file or directory";
        }
        return sentence.contains("is in use by another process") ? "Failed to get \"write\" lock" : sentence;
    }
}
