package io.varve.capture.node;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.InvalidPathException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/**
 * The images that a commit concerns, as QEMU 7.2's block-commit finds and refuses them. Thread: the lock of
 * {@link NodeGraph}.
 *
 * @param root what stands over all of them
 * @param top the uppermost image whose content is committed
 * @param base what gets it
 */
record CommitChain(Node root, Node top, Node base) {
    static CommitChain find(NodeGraph graph, CommitOrder order) throws NodeRefusedException {
        Node root = graph.get(order.device());
        if (!root.parents().isEmpty()) {
            throw new NodeRefusedException("Need a root block node");
        }
        checkNoJob(graph, root);
        Node top = top(graph, root, order);
        Node base = base(graph, top, order);
        CommitChain chain = new CommitChain(root, top, base);
        for (Node node : chain.layersAndBase()) {
            checkNoJob(graph, node);
        }
        if (top.equals(base)) {
            throw new NodeRefusedException("cannot commit an image into itself");
        }
        if (chain.isActive() && order.backingFile().isPresent()) {
            throw new NodeRefusedException("'backing-file' specified, but 'top' is the active layer");
        }
        chain.checkAlone(graph);
        return chain;
    }

    private static Node top(NodeGraph graph, Node root, CommitOrder order) throws NodeRefusedException {
        if (order.topNode().isPresent() && order.top().isPresent()) {
            throw new NodeRefusedException("'top-node' and 'top' are mutually exclusive");
        }
        if (order.topNode().isPresent()) {
            return inChain(graph, root, order.topNode().get());
        }
        if (order.top().isEmpty()) {
            return root;
        }
        String file = order.top().get();
        return isImage(root, file)
                ? root
                : under(root, file)
                        .orElseThrow(() -> new NodeRefusedException("Top image file " + file + " not found"));
    }

    private static Node base(NodeGraph graph, Node top, CommitOrder order) throws NodeRefusedException {
        if (order.baseNode().isPresent() && order.base().isPresent()) {
            throw new NodeRefusedException("'base-node' and 'base' are mutually exclusive");
        }
        if (order.baseNode().isPresent()) {
            return inChain(graph, top, order.baseNode().get());
        }
        if (order.base().isEmpty()) {
            return chain(top).getLast();
        }
        String file = order.base().get();
        return under(top, file)
                .orElseThrow(() -> new NodeRefusedException("Can't find '" + file + "' in the backing chain"));
    }

    /** The first image under another one that a file's name means, which may be relative to the image over it. */
    private static Optional<Node> under(Node top, String file) {
        List<Node> chain = chain(top);
        for (int index = 1; index < chain.size(); index++) {
            Optional<Path> over = chain.get(index - 1).path();
            if (isImage(chain.get(index), file)
                    || (over.isPresent() && isImage(chain.get(index), beside(over.get(), file)))) {
                return Optional.of(chain.get(index));
            }
        }
        return Optional.empty();
    }

    private static String beside(Path image, String file) {
        try {
            return image.resolveSibling(file).toString();
        } catch (InvalidPathException e) {
            return file;
        }
    }

    private static Node inChain(NodeGraph graph, Node from, String name) throws NodeRefusedException {
        Node node = graph.named(name)
                .orElseThrow(() -> new NodeRefusedException("Cannot find device='' nor node-name='" + name + "'"));
        if (!chain(from).contains(node)) {
            throw new NodeRefusedException("'" + name + "' is not in this backing file chain");
        }
        return node;
    }

    private static List<Node> chain(Node from) {
        List<Node> chain = new ArrayList<>();
        for (Optional<Node> at = Optional.of(from);
                at.isPresent();
                at = at.get().filteredOrBacking()) {
            chain.add(at.get());
        }
        return chain;
    }

    private static boolean isImage(Node node, String file) {
        if (node.filename().equals(file)) {
            return true;
        }
        try {
            Path named = Path.of(file.startsWith("file:") ? file.substring("file:".length()) : file);
            return node.path().isPresent()
                    && Files.exists(named)
                    && Files.exists(node.path().get())
                    && Files.isSameFile(node.path().get(), named);
        } catch (IOException | InvalidPathException e) {
            return false;
        }
    }

    private static void checkNoJob(NodeGraph graph, Node node) throws NodeRefusedException {
        for (NodeUse use : node.uses()) {
            if (use instanceof NodeUse.Job) {
                String called = graph.deviceOver(node).map(Device::id).orElse(node.name());
                throw new NodeRefusedException("Node '" + called + "' is busy: " + use.reason());
            }
        }
    }

    /** Whoever else looks at one of these images would see it change, or go. */
    private void checkAlone(NodeGraph graph) throws NodeRefusedException {
        Optional<Node> over = overlay();
        for (Node node : layersAndBase()) {
            if (!node.equals(base) && !(node.spec() instanceof NodeSpec.Qcow2)) {
                throw refused(node, "it's a '" + node.driver() + "' node, and only qcow2 images lie over others");
            }
            for (Node parent : node.parents()) {
                if (!Optional.of(parent).equals(over)) {
                    throw refused(node, "node '" + parent.name() + "' is over it, too");
                }
            }
            if (!node.equals(root) && graph.deviceOver(node).isPresent()) {
                throw refused(node, graph.described(node) + " is over it, too");
            }
            for (NodeUse use : node.uses()) {
                if (use instanceof NodeUse.Export && !node.equals(base)) {
                    throw refused(node, use.reason() + ", and wouldn't follow; delete it, and make it anew afterwards");
                }
            }
            over = Optional.of(node);
        }
    }

    private static NodeRefusedException refused(Node node, String because) {
        return new NodeRefusedException("Node '" + node.name() + "' can't be part of a commit: " + because);
    }

    /** Whether guests write to the image whose content is committed. */
    boolean isActive() {
        return top.equals(root);
    }

    /** The image over {@code top}; empty when that's the uppermost. */
    Optional<Node> overlay() {
        return chain(root).stream()
                .filter(node -> node.filteredOrBacking().equals(Optional.of(top)))
                .findFirst();
    }

    /** The images whose content is committed, the uppermost first. */
    List<Node> layers() {
        List<Node> chain = chain(top);
        int end = chain.indexOf(base);
        return end < 0 ? chain : chain.subList(0, end);
    }

    List<Node> layersAndBase() {
        List<Node> all = new ArrayList<>(layers());
        if (!all.contains(base)) {
            all.add(base);
        }
        return all;
    }

    /** All that the job uses. */
    List<Node> members() {
        List<Node> all = layersAndBase();
        overlay().filter(node -> !all.contains(node)).ifPresent(all::addFirst);
        if (!all.contains(root)) {
            all.addFirst(root);
        }
        return all;
    }
}
