package io.varve.capture.qmp;

import static org.junit.jupiter.api.Assertions.assertFalse;

import com.fasterxml.jackson.databind.JsonNode;
import io.varve.capture.CaptureConfig;
import io.varve.capture.CaptureRole;
import io.varve.capture.DriveArgument;
import io.varve.capture.nbd.ExportRegistry;
import io.varve.capture.tracking.AgentOptions;
import io.varve.capture.tracking.AgentSurroundings;
import io.varve.core.Tool;
import io.varve.embedded.child.ParentWatch;
import io.varve.embedded.child.ReadyLine;
import io.varve.embedded.stack.ChildProcess;
import io.varve.embedded.stack.JavaCommand;
import io.varve.embedded.stack.JvmOptions;
import io.varve.formats.nbd.NbdAddress;
import io.varve.formats.nbd.NbdUri;
import io.varve.transfer.nbd.NbdClient;
import io.varve.transfer.nbd.NbdClientOptions;
import java.io.IOException;
import java.nio.file.Path;
import java.security.SecureRandom;
import java.time.Duration;
import java.time.InstantSource;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Queue;
import java.util.UUID;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.CountDownLatch;

/**
 * An agent over the image {@code drive.qcow2} of a folder, its {@code drive0}; also as a process that can be killed.
 */
final class ImageAgent implements AutoCloseable {
    private static final String IMAGE = "drive.qcow2";

    private final Path folder;
    private final CaptureRole role;
    private final Queue<String> console;

    private ImageAgent(Path folder, CaptureRole role, Queue<String> console) {
        this.folder = folder;
        this.role = role;
        this.console = console;
    }

    /**
     * Serves until it's killed.
     *
     * @param arguments the folder, and the image's name in it
     */
    public static void main(String... arguments) throws Exception {
        ParentWatch.start(System.in, () -> Runtime.getRuntime().halt(3));
        try (ImageAgent _ = start(Path.of(arguments[0]), arguments[1])) {
            new ReadyLine("drive0").print(System.out);
            new CountDownLatch(1).await();
        }
    }

    static ImageAgent start(Path folder) throws IOException {
        return start(folder, IMAGE);
    }

    /** A process of its own, to be killed. */
    static ChildProcess startChild(Path folder, String image) throws Exception {
        JavaCommand command = new JavaCommand(
                "agent",
                JvmOptions.small(64),
                JavaCommand.ownClassPath(),
                List.of(ImageAgent.class.getName(), folder.toString(), image),
                Map.of());
        ChildProcess child = ChildProcess.start(command, folder.resolve("agent.log"));
        String _ = child.awaitReady(Duration.ofSeconds(60));
        return child;
    }

    /** Over an image of the folder, and what lies under that. */
    static ImageAgent start(Path folder, String image) throws IOException {
        CaptureConfig config = new CaptureConfig(
                AgentOptions.in(
                        folder.resolve("state"),
                        folder.resolve("live"),
                        nbd(folder).toString()),
                List.of(nbd(folder)),
                Optional.empty(),
                List.of(qmp(folder)),
                CaptureConfig.planOf(
                        List.of(DriveArgument.parse("drive0=" + folder.resolve(image) + ",format=qcow2,backing=on"))),
                Optional.empty(),
                "varve test");
        Queue<String> console = new ConcurrentLinkedQueue<>();
        return new ImageAgent(
                folder,
                CaptureRole.start(
                        config,
                        new AgentSurroundings(
                                new ExportRegistry(),
                                InstantSource.system(),
                                System::nanoTime,
                                new SecureRandom(),
                                new UUID(3, 4)),
                        console::add),
                console);
    }

    private static NbdAddress nbd(Path folder) {
        return new NbdAddress.Unix(folder.resolve("nbd.sock").toString());
    }

    private static NbdAddress qmp(Path folder) {
        return new NbdAddress.Unix(folder.resolve("qmp.sock").toString());
    }

    QmpClient monitor() throws IOException {
        return monitor(folder);
    }

    static QmpClient monitor(Path folder) throws IOException {
        return QmpClient.negotiated(qmp(folder));
    }

    /** A connection of a guest's to the drive. */
    static NbdClient connect(Path folder) throws IOException {
        return NbdClient.connect(new NbdUri(nbd(folder), "drive0"), List.of(), NbdClientOptions.DEFAULT);
    }

    /** The last line that qemu-io printed which begins so; empty when there's none. */
    String said(String begin) {
        return String.join("", console)
                .lines()
                .filter(line -> line.startsWith(begin))
                .reduce("", (_, last) -> last);
    }

    void guest(String command) throws Exception {
        guest(folder, command);
    }

    /** Runs a command of qemu-io on the drive that the folder's agent serves. */
    static void guest(Path folder, String command) throws Exception {
        String said = Tool.run(
                        "qemu-io",
                        "-f",
                        "raw",
                        "nbd+unix:///drive0?socket=" + folder.resolve("nbd.sock"),
                        "-c",
                        command)
                .success();
        assertFalse(said.contains("failed"), said);
    }

    /** A bitmap of the first disk, as query-block tells of it; missing when there's none of that name. */
    static JsonNode bitmap(QmpClient monitor, String name) {
        for (JsonNode bitmap : monitor.run("{'execute': 'query-block'}").get(0).at("/inserted/dirty-bitmaps")) {
            if (bitmap.path("name").asText().equals(name)) {
                return bitmap;
            }
        }
        return JsonText.object().path(name);
    }

    @Override
    public void close() throws IOException {
        role.close();
    }
}
