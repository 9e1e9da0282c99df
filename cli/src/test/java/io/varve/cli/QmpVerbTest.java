package io.varve.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.json.JsonMapper;
import io.varve.capture.CaptureRole;
import io.varve.capture.Host;
import io.varve.capture.ServerConfig;
import io.varve.capture.nbd.ExportRegistry;
import io.varve.capture.tracking.AgentSurroundings;
import java.io.IOException;
import java.io.RandomAccessFile;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.SecureRandom;
import java.time.InstantSource;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The verb for scripts, against a real agent. */
class QmpVerbTest {

    private static final String ADD =
            "{'execute': 'block-dirty-bitmap-add', 'arguments': {'node': 'drive0', 'name': 'b'}}";

    @TempDir
    private Path folder;

    private CaptureRole agent;
    private String address;

    @BeforeEach
    void start() throws IOException {
        var image = folder.resolve("drive0.raw");
        try (var file = new RandomAccessFile(image.toFile(), "rw")) {
            file.setLength(1 << 20);
        }
        var json = new JsonMapper().createObjectNode().put("name", "agent");
        json.put("qmp", folder.resolve("qmp").toString());
        json.put("nbd", folder.resolve("nbd").toString());
        json.putArray("drives")
                .addObject()
                .put("id", "drive0")
                .put("file", image.toString())
                .put("format", "raw");
        var config = Files.writeString(folder.resolve("agent.json"), json.toString());
        agent = CaptureRole.start(
                ServerConfig.read(config, "varve test"),
                new AgentSurroundings(
                        new ExportRegistry(),
                        InstantSource.system(),
                        System::nanoTime,
                        new SecureRandom(),
                        Host.boot()),
                text -> {});
        address = "unix:" + folder.resolve("qmp");
    }

    @AfterEach
    void stop() throws IOException {
        agent.close();
    }

    @Test
    void shouldPrintReplies() {
        var run = CommandRun.of("qmp", address, "-c", ADD, "-c", "query-block", "-c", "query-name");

        assertEquals(0, run.code(), run::err);
        assertEquals("{\"return\":{}}", run.lines().getFirst());
        assertTrue(run.lines().get(1).contains("\"name\":\"b\""), run.out());
        assertEquals(3, run.lines().size());
    }

    @Test
    void shouldFailWithAnErrorReply() {
        var run = CommandRun.of("qmp", "--agent", address, "-c", "block-dirty-bitmap-remove node=drive0 name=nope");

        assertEquals(1, run.code());
        assertEquals(
                "{\"error\":{\"class\":\"GenericError\",\"desc\":\"Dirty bitmap 'nope' not found\"}}",
                run.lines().getFirst());
    }

    @Test
    void shouldFindTheAgentOfAFolder() throws Exception {
        Files.writeString(folder.resolve("varve.properties"), "agent=" + address + "\n");

        var run =
                CommandRun.of("qmp", "--data", folder.toString(), "-c", "{\"execute\": \"query-version\", \"id\": 1}");

        assertEquals(0, run.code(), run::err);
        assertTrue(run.out().contains("\"varve test\""), run.out());
        assertTrue(run.out().contains("\"id\":1"), run.out());
    }

    @Test
    void shouldShowEventsBesideTheReplies() {
        var run = CommandRun.of(
                "qmp", address, "-c", "drive-backup device=drive0 sync=full target=" + folder.resolve("full"));

        assertEquals("{\"return\":{}}", run.lines().getFirst());
        assertTrue(run.err().contains("\"JOB_STATUS_CHANGE\""), run.err());
    }

    @Test
    void shouldSayWhatIsNoCommand() {
        assertTrue(CommandRun.of("qmp", address, "-c", "{'execute'").err().contains("That's no JSON"));
        assertTrue(CommandRun.of("qmp", address, "-c", "query-block x").err().contains("expected NAME=VALUE"));
        assertEquals(2, CommandRun.of("qmp", "nonsense", "-c", "query-block").code());
        assertTrue(CommandRun.of("qmp", "--data", folder.toString(), "-c", "query-name")
                .err()
                .contains("There is no file"));
    }
}
