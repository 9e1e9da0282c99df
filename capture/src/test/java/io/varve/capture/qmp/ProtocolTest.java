package io.varve.capture.qmp;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTimeout;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import io.varve.core.Seeds;
import io.varve.formats.nbd.NbdAddress;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.SocketChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The machine protocol itself: its conversation, its framing, and clients that get either wrong. */
class ProtocolTest {
    private static final String VERSION = "{'execute': 'query-version'}";
    private static final String ADD =
            "{'execute': 'block-dirty-bitmap-add', 'arguments': {'node': 'drive0', 'name': 'b', 'granularity': 65536}}";
    private static final String MERGE = "{\"execute\": \"transaction\", \"arguments\": {\"actions\": ["
            + "{\"type\": \"block-dirty-bitmap-merge\", \"data\": {\"node\": \"drive0\", \"target\": \"b\","
            + " \"bitmaps\": [\"b\", {\"node\": \"drive0\", \"name\": \"b\"}]}},"
            + "{\"type\": \"abort\", \"data\": {}}], \"properties\": {\"completion-mode\": \"individual\"}}}";

    @TempDir
    private Path folder;

    private LiveAgent live;
    private QmpClient monitor;

    @BeforeEach
    void start() throws IOException {
        live = LiveAgent.start(folder, 1 << 20, "drive0");
        monitor = live.monitor();
    }

    @AfterEach
    void stop() throws IOException {
        monitor.close();
        live.close();
    }

    @Test
    void shouldGreetAsQemuDoes() throws Exception {
        try (QmpClient client = QmpClient.connect(live.listen(new NbdAddress.Tcp("127.0.0.1", 0)))) {
            assertEquals(
                    "{\"QMP\":{\"version\":{\"qemu\":{\"micro\":22,\"minor\":2,\"major\":7},"
                            + "\"package\":\"varve test\"},\"capabilities\":[\"oob\"]}}",
                    client.greeting().toString());
        }
        assertEquals("varve test", monitor.run(VERSION).get("package").textValue());
    }

    @Test
    void shouldWantCapabilitiesFirstAndOnce() throws Exception {
        try (QmpClient client = QmpClient.connect(live.qmp)) {
            JsonNode early = client.send(VERSION);
            assertEquals(
                    "{\"error\":{\"class\":\"CommandNotFound\","
                            + "\"desc\":\"Expecting capabilities negotiation with 'qmp_capabilities'\"}}",
                    early.toString());
            assertEquals(
                    "Parameter 'null' does not accept value 'x'",
                    client.refused("{'execute': 'qmp_capabilities', 'arguments': {'enable': ['x']}}"));
            client.run("{'execute': 'qmp_capabilities', 'arguments': {'enable': ['oob']}}");
            JsonNode twice = client.send("{'execute': 'qmp_capabilities'}");
            assertEquals(
                    "{\"error\":{\"class\":\"CommandNotFound\","
                            + "\"desc\":\"Capabilities negotiation is already complete, command ignored\"}}",
                    twice.toString());
            assertEquals(
                    "The command query-version does not support OOB", client.refused("{'exec-oob': 'query-version'}"));
        }
        assertEquals("QMP input member 'exec-oob' is unexpected", monitor.refused("{'exec-oob': 'query-version'}"));
    }

    @Test
    void shouldEchoAnyId() {
        for (String id : List.of("1", "\"a\"", "{\"b\":[null]}", "null")) {
            assertEquals(
                    id,
                    monitor.send("{'execute': 'query-name', 'id': " + id + "}")
                            .get("id")
                            .toString());
            assertEquals(
                    id,
                    monitor.send("{'execute': 'bogus', 'id': " + id + "}")
                            .get("id")
                            .toString());
        }
    }

    @Test
    void shouldTakeAStreamOfTexts() {
        monitor.sendOnly((VERSION + VERSION + "\r\n\r\n " + VERSION).getBytes(StandardCharsets.UTF_8));
        for (int reply = 0; reply < 3; reply++) {
            assertTrue(monitor.reply().has("return"));
        }
        for (byte each :
                "{'execute':\r\n'query-version'\n,\t\"id\" : 'it\\'s \\u0041'\n}".getBytes(StandardCharsets.UTF_8)) {
            monitor.sendOnly(new byte[] {each});
        }
        assertEquals("it's A", monitor.reply().get("id").textValue());
    }

    @Test
    void shouldRefuseWhatIsNoRequest() {
        assertEquals("QMP input must be a JSON object", monitor.refused("[]"));
        assertEquals("QMP input must be a JSON object", monitor.refused("'text'"));
        assertEquals("QMP input must be a JSON object", monitor.refused("12\n"));
        assertEquals("QMP input lacks member 'execute'", monitor.refused("{}"));
        assertEquals("QMP input member 'execute' must be a string", monitor.refused("{'execute': 1}"));
        assertEquals(
                "QMP input member 'arguments' must be an object",
                monitor.refused("{'execute': 'query-version', 'arguments': []}"));
        assertEquals("QMP input member 'x' is unexpected", monitor.refused("{'execute': 'query-version', 'x': 1}"));
        assertEquals(
                "{\"error\":{\"class\":\"CommandNotFound\",\"desc\":\"The command bogus has not been found\"}}",
                monitor.send("{'execute': 'bogus'}").toString());
    }

    @Test
    void shouldGoOnAfterGarbage() {
        for (String garbage : List.of(
                "garbage\n",
                "}",
                "{]",
                "\"unended\n",
                "{'execute': 'query-version',}",
                "{'execute' 'query-version'}",
                "{'a': 1, 'a': 2}",
                "{'a': 'b' 'c'}",
                "{'a': 1e}",
                "{'a': nul}")) {
            String refusal = monitor.refused(garbage);
            assertTrue(refusal.startsWith("JSON parse error"), refusal + " to " + garbage);
            monitor.run(VERSION);
        }
        monitor.sendOnly(new byte[] {'{', '"', (byte) 0xc3, '"', ':', '1', '}'});
        assertTrue(monitor.reply().get("error").get("desc").textValue().contains("UTF-8"));
        monitor.sendOnly(new byte[] {'{', '"', 'a', (byte) 0xff});
        assertTrue(monitor.reply().has("error"));
        monitor.run(VERSION);
    }

    @Test
    void shouldRefuseTooDeepTooLongAndTooMany() {
        String deep = "[".repeat(64);
        assertEquals("QMP input must be a JSON object", monitor.refused(deep + "]".repeat(64)));
        assertTrue(monitor.refused(deep + "[\n").startsWith("JSON nesting depth limit exceeded"));
        monitor.run(VERSION);
        assertTrue(monitor.refused("[" + "1,".repeat(5_001)).startsWith("JSON token count limit exceeded"));
        resynchronize("many");
        assertTrue(
                monitor.refused("{'id': '" + "a".repeat(2 << 20) + "\n").startsWith("JSON token size limit exceeded"));
        monitor.run(VERSION);
    }

    @Test
    void shouldTellEveryMonitorEveryEvent() throws Exception {
        try (QmpClient second = live.monitor();
                QmpClient silent = QmpClient.connect(live.qmp)) {
            String target = folder.resolve("full").toString();
            monitor.run("{'execute': 'drive-backup', 'arguments': {'device': 'drive0', 'sync': 'full', 'target': '"
                    + target + "'}}");

            List<JsonNode> told = monitor.eventsUntilGone("drive0");

            assertEquals(told, second.eventsUntilGone("drive0"));
            assertTrue(told.stream().allMatch(event -> event.get("timestamp").has("microseconds")));
            assertTrue(silent.send(VERSION).has("error"), "no event comes before the capabilities");
        }
    }

    @Test
    void shouldDropAMonitorThatDoesntRead() throws Exception {
        byte[] question = "{'execute': 'query-commands'}".getBytes(StandardCharsets.UTF_8);
        try (SocketChannel deaf = QmpClient.deaf(live.qmp)) {
            deaf.write(ByteBuffer.wrap("{'execute': 'qmp_capabilities'}".getBytes(StandardCharsets.UTF_8)));
            long sent = 0;
            try {
                while (sent < 100_000) {
                    deaf.write(ByteBuffer.wrap(question));
                    sent++;
                }
            } catch (IOException e) {
                assertTrue(sent > 1_000, "dropped after only " + sent + " commands");
            }
            assertTrue(sent < 100_000, "never dropped");
            monitor.run(VERSION);
        }
    }

    @Test
    void shouldNotWaitForEachMonitorThatDoesntRead(@TempDir Path other) throws Exception {
        byte[] questions = "{'execute': 'query-commands'}".repeat(2_000).getBytes(StandardCharsets.UTF_8);
        List<SocketChannel> deaf = new ArrayList<>();
        LiveAgent ending = LiveAgent.start(other, 1 << 20, "drive0");
        try {
            for (int number = 0; number < 12; number++) {
                SocketChannel channel = QmpClient.deaf(ending.qmp);
                deaf.add(channel);
                channel.write(ByteBuffer.wrap("{'execute': 'qmp_capabilities'}".getBytes(StandardCharsets.UTF_8)));
                channel.write(ByteBuffer.wrap(questions));
            }
            for (SocketChannel channel : deaf) {
                // It's being told, and from here on doesn't listen.
                ByteBuffer first = ByteBuffer.allocate(256 << 10);
                while (first.hasRemaining()) {
                    assertTrue(channel.read(first) > 0);
                }
            }
            assertTimeout(Duration.ofSeconds(12), ending::close);
        } finally {
            for (SocketChannel channel : deaf) {
                channel.close();
            }
        }
    }

    @Test
    void shouldQuit() throws Exception {
        try (QmpClient second = live.monitor()) {
            assertEquals("{\"return\":{}}", monitor.send("{'execute': 'quit'}").toString());

            for (QmpClient client : List.of(monitor, second)) {
                JsonNode event =
                        client.event(each -> each.path("event").asText().equals("SHUTDOWN"));
                assertEquals(
                        "{\"guest\":false,\"reason\":\"host-qmp-quit\"}",
                        event.get("data").toString());
            }
            assertTrue(live.quit.await(30, TimeUnit.SECONDS));
            live.close();
            assertTrue(second.isDisconnected());
        }
    }

    @Test
    void shouldSurviveWhateverComes() {
        Seeds.forEach(1, random -> {
            for (int round = 0; round < 100; round++) {
                for (int input = 0; input < 50; input++) {
                    monitor.sendOnly(mutated(random));
                }
                resynchronize("round-" + round);
                monitor.forgetEvents();
            }
        });
    }

    /** Whatever came before, the server takes a command now. */
    private void resynchronize(String id) {
        monitor.sendOnly(new byte[] {(byte) 0xff, '\n'});
        monitor.sendOnly(("{'execute': 'query-version', 'id': '" + id + "'}").getBytes(StandardCharsets.UTF_8));
        JsonNode reply = monitor.reply();
        while (!reply.path("id").asText().equals(id)) {
            assertTrue(reply.has("return") || reply.has("error"), reply::toString);
            reply = monitor.reply();
        }
        assertTrue(reply.has("return"), reply::toString);
    }

    /** A good request with some bytes changed, or taken out, or put in twice. */
    private static byte[] mutated(SplittableRandom random) {
        List<String> good = List.of(
                ADD,
                MERGE,
                VERSION,
                "{'execute': 'query-block'}",
                "{'execute': 'block-job-cancel', 'arguments': {'device': 'drive0', 'force': true}}",
                "{'execute': 'x-varve-backup-status', 'arguments': {'sync-point': 'x'}}",
                "{'execute': 'block-dirty-bitmap-remove', 'arguments': {'node': 'drive0', 'name': 'b'}}");
        byte[] bytes = good.get(random.nextInt(good.size())).getBytes(StandardCharsets.UTF_8);
        for (int change = random.nextInt(4); change > 0; change--) {
            int at = random.nextInt(bytes.length);
            switch (random.nextInt(3)) {
                case 0 -> bytes[at] = (byte) random.nextInt(256);
                case 1 -> bytes[at] = (byte) "{}[],:'\"\\0".charAt(random.nextInt(10));
                default -> {
                    int from = random.nextInt(bytes.length);
                    int length = Math.min(bytes.length - from, bytes.length - at);
                    System.arraycopy(bytes.clone(), from, bytes, at, length);
                }
            }
        }
        return bytes;
    }
}
