package io.varve.capture.hmp;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
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
    private static final List<String> STATS = List.of(
            "rd_bytes",
            "wr_bytes",
            "rd_operations",
            "wr_operations",
            "flush_operations",
            "wr_total_time_ns",
            "rd_total_time_ns",
            "flush_total_time_ns",
            "rd_merged",
            "wr_merged",
            "idle_time_ns");

    private final NodeGraph graph;
    private final IoQueue queue;
    private final Qmp qmp;

    /** Commands on the nodes of {@code graph}; what qemu-io prints goes to {@code console}. */
    public HumanMonitor(NodeGraph graph, Consumer<String> console, Qmp qmp) {
        this.graph = graph;
        this.queue = new IoQueue(console);
        this.qmp = qmp;
    }

    /** Carries out a line; the answer is empty when there's nothing to say. */
    public String run(String line) {
        List<String> words = Words.of(line);
        if (words.isEmpty()) {
            return "";
        }
        String verb = words.getFirst();
        List<String> arguments = words.subList(1, words.size());
        try {
            return switch (verb) {
                case "qemu-io" -> io(arguments);
                case "block_resize" -> resize(arguments);
                case "info" -> info(arguments);
                case "eject" -> eject(arguments);
                case "drive_del" -> delete(arguments);
                case "help", "?" -> HelpText.of(arguments).orElseGet(() -> unknown(String.join(" ", arguments)));
                case "block_job_cancel", "block_job_pause", "block_job_resume", "block_job_complete" ->
                    job(verb, arguments);
                case "block_job_set_speed" -> speed(arguments);
                case "drive_backup" -> backup(arguments);
                case "nbd_server_stop" -> arguments.isEmpty() ? did("nbd-server-stop", object()) : surplus(verb);
                default -> unknown(verb);
            };
        } catch (NodeRefusedException e) {
            return "Error: " + e.description() + NEWLINE;
        }
    }

    private static String unknown(String verb) {
        return "unknown command: '" + verb + "'" + NEWLINE;
    }

    /** The line isn't as the command has it. */
    private static String misused(String verb, String complaint) {
        return complaint + NEWLINE + "Try \"help " + verb + "\" for more information" + NEWLINE;
    }

    private static String surplus(String verb) {
        return misused(verb, verb + ": extraneous characters at the end of line");
    }

    private String io(List<String> arguments) throws NodeRefusedException {
        boolean isDevice = !arguments.isEmpty() && arguments.getFirst().equals("-d");
        List<String> rest = isDevice ? arguments.subList(1, arguments.size()) : arguments;
        if (rest.size() < 2) {
            return misused("qemu-io", "qemu-io: " + (rest.isEmpty() ? "block device name" : "string") + " expected");
        }
        if (rest.size() > 2) {
            return surplus("qemu-io");
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
        if (arguments.isEmpty()) {
            return misused("block_resize", "block_resize: block device name expected");
        }
        if (arguments.size() > 2) {
            return surplus("block_resize");
        }
        try {
            // A number without a suffix means megabytes there; that none at all is a wrong one.
            String size = arguments.size() == 1 ? "" : arguments.getLast();
            boolean isBare = size.chars().allMatch(Character::isDigit);
            ObjectNode command = object().put("device", arguments.getFirst());
            return did("block_resize", command.put("size", Words.number(isBare ? size + "M" : size)));
        } catch (ArithmeticException | NumberFormatException e) {
            return misused("block_resize", "invalid size");
        }
    }

    private String job(String verb, List<String> arguments) throws NodeRefusedException {
        boolean isForced = !arguments.isEmpty() && arguments.getFirst().equals("-f");
        List<String> rest = isForced ? arguments.subList(1, arguments.size()) : arguments;
        if (rest.isEmpty()) {
            return misused(verb, verb + ": string expected");
        }
        if (rest.size() > 1) {
            return surplus(verb);
        }
        ObjectNode command = object().put("device", rest.getFirst());
        return did(verb.replace('_', '-'), verb.equals("block_job_cancel") ? command.put("force", isForced) : command);
    }

    private String speed(List<String> arguments) throws NodeRefusedException {
        try {
            return arguments.size() == 2
                    ? did(
                            "block-job-set-speed",
                            object().put("device", arguments.getFirst())
                                    .put("speed", Words.number(arguments.getLast())))
                    : misused("block_job_set_speed", "block_job_set_speed: string expected");
        } catch (ArithmeticException | NumberFormatException e) {
            return misused("block_job_set_speed", "invalid size");
        }
    }

    private String backup(List<String> arguments) throws NodeRefusedException {
        List<String> flags =
                arguments.stream().filter(word -> word.startsWith("-")).toList();
        List<String> rest =
                arguments.stream().filter(word -> !word.startsWith("-")).toList();
        if (rest.size() < 2) {
            return misused(
                    "drive_backup", "drive_backup: " + (rest.isEmpty() ? "block device name" : "string") + " expected");
        }
        ObjectNode command = object().put("device", rest.getFirst()).put("target", rest.get(1));
        if (rest.size() > 2) {
            command.put("format", rest.get(2));
        }
        command.put("sync", flags.contains("-f") ? "full" : "top");
        command.put("mode", flags.contains("-n") ? "existing" : "absolute-paths");
        return did("drive-backup", flags.contains("-c") ? command.put("compress", true) : command);
    }

    /** No medium of ours can be removed. */
    private String eject(List<String> arguments) throws NodeRefusedException {
        List<String> flags =
                arguments.stream().filter(word -> word.startsWith("-")).toList();
        List<String> rest =
                arguments.stream().filter(word -> !word.startsWith("-")).toList();
        for (String flag : flags) {
            if (!flag.equals("-f")) {
                return misused("eject", "eject: unsupported option " + flag);
            }
        }
        if (rest.isEmpty()) {
            return misused("eject", "eject: block device name expected");
        }
        if (rest.size() > 1) {
            return surplus("eject");
        }
        boolean isThere = graph.device(rest.getFirst()).isPresent();
        throw new NodeRefusedException(
                "Device '" + rest.getFirst() + "' " + (isThere ? "is not removable" : "not found"));
    }

    /** Of a node by its name; QEMU says there what's wrong without calling it an error. */
    private String delete(List<String> arguments) {
        if (arguments.isEmpty()) {
            return misused("drive_del", "drive_del: block device name expected");
        }
        if (arguments.size() > 1) {
            return surplus("drive_del");
        }
        String name = arguments.getFirst();
        if (graph.device(name).isPresent()) {
            return "Device '" + name + "' is in use: guests are connected to it as long as the agent runs" + NEWLINE;
        }
        if (graph.named(name).isEmpty()) {
            return "Device '" + name + "' not found" + NEWLINE;
        }
        try {
            return did("blockdev-del", object().put("node-name", name));
        } catch (NodeRefusedException e) {
            return e.description() + NEWLINE;
        }
    }

    /** Nothing to say when it went well. */
    private String did(String command, ObjectNode arguments) throws NodeRefusedException {
        return qmp.run(command, arguments).isPresent() ? "" : unknown(command.replace('-', '_'));
    }

    private String info(List<String> arguments) throws NodeRefusedException {
        String what = arguments.isEmpty() ? "" : arguments.getFirst();
        List<String> rest = arguments.isEmpty() ? arguments : arguments.subList(1, arguments.size());
        return switch (what) {
            case "block" -> blocks(rest);
            case "block-jobs" ->
                rest.isEmpty() ? jobs() : surplus("info block-jobs").replaceFirst("info ", "");
            case "blockstats" ->
                rest.isEmpty() ? stats() : surplus("info blockstats").replaceFirst("info ", "");
            case "" -> HelpText.ofInfo();
            case "name" -> "";
            case "status" ->
                "VM status: " + asked("query-status").path("status").asText() + NEWLINE;
            case "version" -> version(asked("query-version"));
            default -> unknown("info " + what);
        };
    }

    private String blocks(List<String> arguments) throws NodeRefusedException {
        Optional<String> only = Optional.empty();
        for (String word : arguments) {
            if (word.startsWith("-") && !word.equals("-n") && !word.equals("-v")) {
                return misused("info block", "block: unsupported option " + word);
            }
            only = word.startsWith("-") ? only : Optional.of(word);
        }
        boolean verbose = arguments.contains("-v");
        String devices = arguments.contains("-n") ? "" : new BlockText(verbose).devices(asked("query-block"), only);
        boolean wantsNodes = arguments.contains("-n") || only.isPresent();
        return devices.isEmpty() && wantsNodes
                ? new BlockText(verbose).nodes(asked("query-named-block-nodes"), only)
                : devices;
    }

    private String jobs() throws NodeRefusedException {
        StringBuilder text = new StringBuilder();
        for (JsonNode job : asked("query-block-jobs")) {
            text.append("Type ").append(job.path("type").asText());
            text.append(", device ").append(job.path("device").asText());
            text.append(": Completed ").append(job.path("offset").asText());
            text.append(" of ").append(job.path("len").asText());
            text.append(" bytes, speed limit ").append(job.path("speed").asText());
            text.append(" bytes/s").append(NEWLINE);
        }
        return text.isEmpty() ? "No active jobs" + NEWLINE : text.toString();
    }

    private String stats() throws NodeRefusedException {
        StringBuilder text = new StringBuilder();
        for (JsonNode device : asked("query-blockstats")) {
            text.append(device.path("device").asText()).append(':');
            for (String name : STATS) {
                text.append(' ').append(name).append('=');
                text.append(device.path("stats").path(name).asLong());
            }
            text.append(NEWLINE);
        }
        return text.toString();
    }

    private static String version(JsonNode version) {
        JsonNode qemu = version.path("qemu");
        return qemu.path("major").asText() + "." + qemu.path("minor").asText() + "."
                + qemu.path("micro").asText() + version.path("package").asText() + NEWLINE;
    }

    private JsonNode asked(String query) throws NodeRefusedException {
        return qmp.run(query, object()).orElseThrow(() -> new NodeRefusedException("no command " + query));
    }

    private static ObjectNode object() {
        return JsonNodeFactory.instance.objectNode();
    }
}
