package io.varve.cli.handover;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.json.JsonMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.varve.capture.CaptureConfig;
import io.varve.capture.CaptureRole;
import io.varve.capture.DriveArgument;
import io.varve.capture.nbd.ExportRegistry;
import io.varve.capture.tracking.AgentOptions;
import io.varve.capture.tracking.AgentSurroundings;
import io.varve.cli.qmp.QmpClient;
import io.varve.core.id.DriveId;
import io.varve.embedded.stack.ChildProcess;
import io.varve.embedded.stack.JavaCommand;
import io.varve.embedded.stack.JvmOptions;
import io.varve.formats.nbd.NbdAddress;
import io.varve.formats.nbd.NbdUri;
import io.varve.formats.nbd.StatusExtent;
import io.varve.transfer.nbd.NbdClient;
import io.varve.transfer.nbd.NbdClientOptions;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.SecureRandom;
import java.time.Duration;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.BitSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.UUID;

/** A whole agent with one drive, in this process or in one of its own, and what tests ask of it. */
public final class TestAgent implements AutoCloseable {
    public static final DriveId DRIVE = new DriveId("disk0");
    static final int CLUSTER_BYTES = 65_536;
    private static final Duration PATIENCE = Duration.ofMinutes(2);
    private static final UUID BOOT = new UUID(5, 6);
    private static final JsonMapper JSON = new JsonMapper();

    private final Path folder;
    private final String argument;
    private Optional<CaptureRole> role = Optional.empty();
    private Optional<ChildProcess> child = Optional.empty();

    private TestAgent(Path folder, Path image, String argument) {
        this.folder = folder;
        this.argument = DRIVE + "=" + image + argument;
    }

    /**
     * An agent that hasn't started.
     *
     * @param argument of the drive, behind its name and image
     */
    public static TestAgent in(Path folder, Path image, String argument) throws IOException {
        return new TestAgent(Files.createDirectories(folder), image, argument);
    }

    /** Starts it in this process. */
    public TestAgent start() throws IOException {
        CaptureConfig config = new CaptureConfig(
                AgentOptions.in(stateDirectory(), folder.resolve("live"), "unix:" + folder.resolve("nbd")),
                List.of(new NbdAddress.Unix(folder.resolve("nbd").toString())),
                Optional.empty(),
                List.of(new NbdAddress.Unix(folder.resolve("qmp").toString())),
                CaptureConfig.planOf(List.of(DriveArgument.parse(argument))),
                Optional.empty(),
                "varve test");
        role = Optional.of(CaptureRole.start(
                config,
                new AgentSurroundings(
                        new ExportRegistry(), InstantSource.system(), System::nanoTime, new SecureRandom(), BOOT)));
        return this;
    }

    /** Starts it in a process of its own, to be killed. */
    TestAgent startApart() throws IOException, InterruptedException {
        List<String> command = List.of(
                "io.varve.cli.VarveMain",
                "capture",
                "--ready-line",
                "--state",
                stateDirectory().toString(),
                "--live",
                folder.resolve("live").toString(),
                "--nbd",
                "unix:" + folder.resolve("nbd"),
                "--qmp",
                "unix:" + folder.resolve("qmp"),
                argument);
        List<String> options = new ArrayList<>(JvmOptions.small(64));
        options.add(JvmOptions.QUICK_START);
        options.add("-Dvarve.log.level=INFO");
        ChildProcess started = ChildProcess.start(
                new JavaCommand("agent", options, JavaCommand.ownClassPath(), command, Map.of()),
                folder.resolve("log"));
        child = Optional.of(started);
        String _ = started.awaitReady(PATIENCE);
        return this;
    }

    ChildProcess child() {
        return child.orElseThrow();
    }

    Path stateDirectory() {
        return folder.resolve("state");
    }

    String log() throws IOException {
        return Files.readString(folder.resolve("log"));
    }

    /** Where it takes commands. */
    public NbdAddress qmp() {
        return new NbdAddress.Unix(folder.resolve("qmp").toString());
    }

    NbdUri export() {
        return new NbdUri(new NbdAddress.Unix(folder.resolve("nbd").toString()), DRIVE.value());
    }

    QmpClient monitor() throws IOException, InterruptedException {
        return QmpClient.connect(qmp(), PATIENCE);
    }

    /** What a command returns. */
    public JsonNode qmp(String command, String arguments) throws IOException, InterruptedException {
        try (QmpClient monitor = monitor()) {
            return monitor.execute(command, (ObjectNode) JSON.readTree(arguments.replace('\'', '"')));
        }
    }

    /** Adds a persistent bitmap. */
    public void addBitmap(String name) throws IOException, InterruptedException {
        JsonNode _ = qmp("block-dirty-bitmap-add", "{'node':'" + DRIVE + "','name':'" + name + "','persistent':true}");
    }

    /** A bitmap as query-block tells of it. */
    public JsonNode bitmap(String name) throws IOException, InterruptedException {
        for (JsonNode device : qmp("query-block", "{}")) {
            for (JsonNode bitmap : device.path("inserted").path("dirty-bitmaps")) {
                if (bitmap.path("name").asText().equals(name)) {
                    return bitmap;
                }
            }
        }
        throw new AssertionError("no bitmap '" + name + "'");
    }

    /** The clusters that a bitmap holds, as an NBD client sees them. */
    BitSet content(String name) throws IOException {
        String context = "qemu:dirty-bitmap:" + name;
        BitSet content = new BitSet();
        try (NbdClient client = NbdClient.connect(export(), List.of(context), NbdClientOptions.DEFAULT)) {
            long atBytes = 0;
            while (atBytes < client.sizeBytes()) {
                for (StatusExtent extent : client.blockStatus(context, atBytes, client.sizeBytes() - atBytes)) {
                    int from = Math.toIntExact(atBytes / CLUSTER_BYTES);
                    atBytes += extent.lengthBytes();
                    content.set(from, Math.toIntExact(atBytes / CLUSTER_BYTES), extent.flags() != 0);
                }
            }
        }
        return content;
    }

    @Override
    public void close() throws IOException {
        if (child.isPresent()) {
            child.get().close();
        }
        if (role.isPresent()) {
            role.get().close();
        }
    }
}
