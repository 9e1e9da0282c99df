package io.varve.capture;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.varve.capture.node.NodeOptionsReader;
import io.varve.capture.node.NodeRefusedException;
import io.varve.capture.node.NodeSpec;
import io.varve.capture.tracking.AgentOptions;
import io.varve.capture.tracking.DriveImage;
import io.varve.formats.nbd.NbdAddress;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/**
 * An agent's description as the suite writes it by which QEMU's own block tests run against other servers: what QEMU's
 * command line would say of drives, nodes and devices. Everything that the agent keeps goes beside that file.
 */
public final class ServerConfig {
    private static final String STATE_SUFFIX = ".state";
    private static final String DRIVE = "drive";
    private static final String BLKDEBUG = "blkdebug";
    private static final String FAULTY = "blkdebug::";

    private ServerConfig() {}

    /**
     * Reads it.
     *
     * @throws IOException in one sentence
     */
    public static CaptureConfig read(Path file, String packageName) throws IOException {
        if (!(new ObjectMapper().readTree(file.toFile()) instanceof ObjectNode json)) {
            throw new IOException("'" + file + "' holds no JSON object");
        }
        Path state = file.toAbsolutePath().resolveSibling(json.path("name").asText("varve") + STATE_SUFFIX);
        NbdAddress nbd = new NbdAddress.Unix(json.path("nbd").asText());
        try {
            return new CaptureConfig(
                    AgentOptions.in(state, state.resolve("live"), nbd.toString()),
                    List.of(nbd),
                    Optional.empty(),
                    List.of(new NbdAddress.Unix(json.path("qmp").asText())),
                    plan(json),
                    Optional.empty(),
                    packageName);
        } catch (NodeRefusedException e) {
            throw new IOException("'" + file + "': " + e.description(), e);
        }
    }

    private static GraphPlan plan(ObjectNode json) throws NodeRefusedException {
        List<NodeSpec> nodes = new ArrayList<>();
        for (JsonNode node : json.path("blockdevs")) {
            nodes.add(NodeOptionsReader.read((ObjectNode) node));
        }
        List<GraphPlan.Disk> disks = new ArrayList<>();
        for (JsonNode drive : json.path("drives")) {
            disks.add(drive(drive));
        }
        for (JsonNode device : json.path("devices")) {
            if (device.has(DRIVE) && device.has("id")) {
                String id = device.path("id").asText();
                GraphPlan.Medium medium =
                        new GraphPlan.Medium.Shared(device.path(DRIVE).asText());
                disks.add(new GraphPlan.Disk(id, medium, Optional.empty(), id));
            }
        }
        return new GraphPlan(nodes, disks, true);
    }

    private static GraphPlan.Disk drive(JsonNode drive) throws NodeRefusedException {
        String id = drive.path("id").asText();
        String file = drive.path("file").asText("");
        GraphPlan.Medium medium = drive.path("file").isNull() || file.isEmpty()
                ? new GraphPlan.Medium.None()
                : new GraphPlan.Medium.Own(NodeOptionsReader.read(options(drive, file)), DriveImage.Use.UNKNOWN);
        return new GraphPlan.Disk(id, medium, Optional.empty(), "");
    }

    private static ObjectNode options(JsonNode drive, String file) {
        ObjectNode options = new ObjectMapper().createObjectNode();
        if (drive.path("opts") instanceof ObjectNode given) {
            options.setAll(given);
        }
        // Of the guest's side or of QEMU's process, and nothing that changes what is read or written.
        options.remove(List.of("if", "index", "media", "werror", "rerror", "aio", "copy-on-read", "snapshot"));
        if (options.path("cache").isTextual()) {
            options.remove("cache"); // The command line's short form.
        }
        if (options.has("readonly")) {
            options.set("read-only", options.remove("readonly"));
        }
        if (drive.path("format").isTextual() || !options.has("driver")) {
            options.put("driver", drive.path("format").asText("raw"));
        }
        if (drive.path("node-name").isTextual()) {
            options.set("node-name", drive.path("node-name"));
        }
        if (options.path("driver").asText().equals(BLKDEBUG)) {
            options.set("image", protocol(file).path("image"));
            return options;
        }
        if (file.startsWith(FAULTY)) {
            options.set("file", protocol(file));
        }
        if (!options.has("file")) {
            options.putObject("file").put("driver", "file");
        }
        if (options.path("file") instanceof ObjectNode below && !below.has("filename") && !below.has("image")) {
            below.put("filename", file);
        }
        return options;
    }

    /** A file's name as QEMU's command line has it: with blkdebug, without rules, before it. */
    private static ObjectNode protocol(String file) {
        ObjectNode options = new ObjectMapper().createObjectNode();
        if (file.startsWith(FAULTY)) {
            options.put("driver", BLKDEBUG).set("image", protocol(file.substring(FAULTY.length())));
            return options;
        }
        return file.equals("null-co://")
                ? options.put("driver", "null-co")
                : options.put("driver", "file").put("filename", file);
    }
}
