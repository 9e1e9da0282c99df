package io.varve.capture.hmp;

import io.varve.capture.node.Device;
import io.varve.capture.node.Node;
import io.varve.capture.node.NodeGraph;
import io.varve.capture.node.NodeRefusedException;
import java.util.List;
import java.util.Optional;
import java.util.function.Consumer;

/**
 * Answers lines of QEMU's human monitor.
 *
 * <p>Safe for any thread.
 */
public final class HumanMonitor {
    private static final String NEWLINE = "\r\n";

    private final NodeGraph graph;
    private final IoQueue queue;

    /** Commands on the nodes of {@code graph}; what qemu-io prints goes to {@code console}. */
    public HumanMonitor(NodeGraph graph, Consumer<String> console) {
        this.graph = graph;
        this.queue = new IoQueue(console);
    }

    /** Carries out a line; the answer is empty when there's nothing to say. */
    public String run(String line) {
        List<String> words = Words.of(line);
        if (words.isEmpty()) {
            return "";
        }
        List<String> arguments = words.subList(1, words.size());
        try {
            return switch (words.getFirst()) {
                case "qemu-io" -> io(arguments);
                case "block_resize" -> resize(arguments);
                case "info" -> info(arguments);
                default -> "unknown command: '" + words.getFirst() + "'" + NEWLINE;
            };
        } catch (NodeRefusedException e) {
            return "Error: " + e.description() + NEWLINE;
        }
    }

    private String io(List<String> arguments) throws NodeRefusedException {
        boolean isDevice = !arguments.isEmpty() && arguments.getFirst().equals("-d");
        List<String> rest = isDevice ? arguments.subList(1, arguments.size()) : arguments;
        if (rest.size() != 2) {
            return "qemu-io: " + (rest.size() < 2 ? "device" : "command") + " expected" + NEWLINE;
        }
        Node node = isDevice ? behindDevice(rest.getFirst()) : node(rest.getFirst());
        queue.run(new IoRun(graph, node), rest.getLast());
        return "";
    }

    /** A device by its id, or the path that ends with it. */
    private Node behindDevice(String path) throws NodeRefusedException {
        String id = path.replace("/virtio-backend", "").replaceFirst(".*/", "");
        return graph.device(id)
                .flatMap(Device::node)
                .or(() -> graph.find(id))
                .orElseThrow(() -> new NodeRefusedException("Device '" + path + "' not found"));
    }

    private Node node(String name) throws NodeRefusedException {
        return graph.device(name).isPresent() ? graph.get(name) : graph.get(Optional.empty(), Optional.of(name));
    }

    private String resize(List<String> arguments) throws NodeRefusedException {
        if (arguments.size() != 2) {
            return "block_resize: string expected" + NEWLINE;
        }
        try {
            // A number without a suffix means megabytes there.
            String size = arguments.getLast();
            boolean isBare = size.chars().allMatch(Character::isDigit);
            long bytes = Words.number(isBare ? size + "M" : size);
            graph.resize(graph.get(Optional.of(arguments.getFirst()), Optional.empty()), bytes);
            return "";
        } catch (ArithmeticException | NumberFormatException e) {
            return "invalid size" + NEWLINE;
        }
    }

    private String info(List<String> arguments) {
        if (arguments.isEmpty() || !arguments.getFirst().equals("block")) {
            return "info: only 'info block' is known to Varve" + NEWLINE;
        }
        StringBuilder text = new StringBuilder();
        for (Device device : graph.devices()) {
            if (arguments.size() == 1 || arguments.get(1).equals(device.id())) {
                text.append(text.isEmpty() ? "" : NEWLINE).append(describe(device));
            }
        }
        return text.toString();
    }

    private static String describe(Device device) {
        StringBuilder text = new StringBuilder(device.id());
        if (device.node().isEmpty()) {
            return text.append(": [not inserted]").append(NEWLINE).toString();
        }
        Node node = device.node().get();
        text.append(" (").append(node.name()).append("): ").append(node.filename());
        text.append(" (").append(node.driver());
        text.append(node.isReadOnly() ? ", read-only)" : ")").append(NEWLINE);
        if (!device.model().isEmpty()) {
            text.append("    Attached to:      ").append(device.model()).append(NEWLINE);
        }
        text.append("    Cache mode:       writeback").append(NEWLINE);
        node.backing()
                .ifPresent(backing -> text.append("    Backing file:     ")
                        .append(backing.filename())
                        .append(" (chain depth: ")
                        .append(depth(node))
                        .append(")")
                        .append(NEWLINE));
        return text.toString();
    }

    private static int depth(Node node) {
        return node.backing().map(backing -> 1 + depth(backing)).orElse(0);
    }
}
