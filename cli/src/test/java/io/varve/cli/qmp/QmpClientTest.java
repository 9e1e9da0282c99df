package io.varve.cli.qmp;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.json.JsonMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.varve.cli.qmp.SpeakingServer.Script;
import io.varve.embedded.stack.FreePort;
import io.varve.formats.nbd.NbdAddress;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Iterator;
import java.util.List;
import java.util.Objects;
import java.util.function.Function;
import java.util.function.UnaryOperator;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class QmpClientTest {

    private static final Duration PATIENCE = Duration.ofSeconds(10);
    private static final JsonMapper JSON = new JsonMapper();
    private static final String EVENT =
            "{\"event\": \"JOB_STATUS_CHANGE\", \"timestamp\": {\"seconds\": 1, \"microseconds\": 2}}\r\n";

    @TempDir
    Path folder;

    @Test
    void shouldExecuteOverAUnixSocket() throws Exception {
        try (var server =
                        SpeakingServer.unix(folder.resolve("qmp"), answering(id -> "{\"return\": [1]" + id + "}\r\n"));
                var client = QmpClient.connect(server.address(), PATIENCE)) {
            var arguments = JSON.createObjectNode().put("device", "a");

            var returned = client.execute("query-something", arguments);

            assertEquals("[1]", returned.toString());
            assertEquals(
                    List.of(
                            "{\"execute\":\"qmp_capabilities\",\"id\":\"1\"}",
                            "{\"execute\":\"query-something\",\"id\":\"2\",\"arguments\":{\"device\":\"a\"}}"),
                    server.received());
        }
    }

    @Test
    void shouldSkipEventsAndTellThatTheyCame() throws Exception {
        try (var server = SpeakingServer.tcp(answering(id -> EVENT + "{\"return\": {}" + id + "}\n" + EVENT));
                var client = QmpClient.connect(server.address(), PATIENCE)) {
            var returned = client.execute("stop", none());

            assertEquals("{}", returned.toString());
            assertTrue(client.awaitEvent(PATIENCE));
        }
    }

    @Test
    void shouldGoOnAfterARefusal() throws Exception {
        var replies = List.of(
                        "{\"error\": {\"class\": \"CommandNotFound\", \"desc\": \"The command x has not been found\"}",
                        "{\"return\": {}")
                .iterator();
        try (var server = SpeakingServer.tcp(answering(next(replies)));
                var client = QmpClient.connect(server.address(), PATIENCE)) {
            var refusal = assertThrows(QmpRefusedException.class, () -> client.execute("x", none()));

            assertEquals("CommandNotFound", refusal.errorClass());
            assertEquals("The agent refuses 'x': The command x has not been found", refusal.getMessage());
            assertEquals("{}", client.execute("y", none()).toString());
        }
    }

    private static UnaryOperator<String> next(Iterator<String> replies) {
        return id -> replies.next() + id + "}\n";
    }

    @Test
    void shouldSayThatNobodyListens() throws Exception {
        var tcp = new NbdAddress.Tcp("127.0.0.1", FreePort.find());

        assertSentence("No agent answers at " + tcp + " (Connection refused); start one", tcp);
        var unix = new NbdAddress.Unix(folder.resolve("none").toString());
        assertSentence("No agent answers at " + unix + " (No such file or directory); start one", unix);
    }

    @Test
    void shouldSayWhenItIsNoQmp() throws Exception {
        assertSentenceAfter("HTTP/1.1 400 Bad Request\r\n", "doesn't speak QMP: it sent 'HTTP/1.1 400 Bad Request'; ");
        assertSentenceAfter("\u0000\u0001NBD\n", "doesn't speak QMP: it sent '??NBD'; ");
        assertSentenceAfter("[1, 2]\n", "doesn't speak QMP: it sent '[1, 2]'; ");
        assertSentenceAfter(
                "{\"return\": {}}\n", "doesn't speak QMP: it sent '{\"return\":{}}' instead of a greeting; ");
        assertSentenceAfter("{\"QMP\": \n", "doesn't speak QMP: it sent '{\"QMP\":'; ");
        assertSentenceAfter("x".repeat(QmpLines.LINE_MAX_BYTES + 1), "it sent a line longer than 1048576 bytes; ");
    }

    @Test
    void shouldSayWhenNothingIsSaid() throws Exception {
        try (var silent = SpeakingServer.tcp(script("", line -> ""))) {
            var failure =
                    assertThrows(IOException.class, () -> QmpClient.connect(silent.address(), Duration.ofMillis(300)));

            assertTrue(message(failure).contains("didn't greet within 0.3 s"), failure.getMessage());
        }
    }

    @Test
    void shouldSayWhenTheAgentIsLost() throws Exception {
        var capabilities = new boolean[1];
        var script = script(SpeakingServer.GREETING, line -> {
            if (capabilities[0]) {
                return null;
            }
            capabilities[0] = true;
            return "{\"return\": {}, \"id\": \"1\"}\n";
        });
        try (var server = SpeakingServer.tcp(script);
                var client = QmpClient.connect(server.address(), PATIENCE)) {
            var failure = assertThrows(IOException.class, () -> client.execute("quit", none()));

            assertEquals(
                    "The agent at " + server.address() + " closed the connection; see its log", failure.getMessage());
            assertThrows(IOException.class, () -> client.execute("again", none()));
            assertFalse(client.awaitEvent(Duration.ofSeconds(1)));
        }
    }

    @Test
    void shouldRefuseAReplyToAnotherCommand() throws Exception {
        try (var server = SpeakingServer.tcp(answering(id -> "{\"return\": {}, \"id\": \"77\"}\n"));
                var client = QmpClient.connect(server.address(), PATIENCE)) {
            var failure = assertThrows(IOException.class, () -> client.execute("x", none()));

            assertTrue(message(failure).contains("a reply with the id \"77\" instead of 2"), failure.getMessage());
        }
    }

    private static void assertSentenceAfter(String greeting, String expected) throws Exception {
        try (var server = SpeakingServer.tcp(script(greeting, line -> ""))) {
            var address = server.address();

            var failure = assertThrows(IOException.class, () -> QmpClient.connect(address, PATIENCE));

            assertTrue(message(failure).startsWith("What listens at " + address), failure.getMessage());
            assertTrue(message(failure).contains(expected), failure.getMessage());
        }
    }

    private static void assertSentence(String begin, NbdAddress address) {
        var failure = assertThrows(IOException.class, () -> QmpClient.connect(address, PATIENCE));

        assertTrue(message(failure).startsWith(begin), failure.getMessage());
    }

    private static String message(IOException failure) {
        return Objects.requireNonNull(failure.getMessage());
    }

    private static ObjectNode none() {
        return JSON.createObjectNode();
    }

    /** Greets, takes the capabilities, and then answers with what {@code reply} makes of the id. */
    private static Script answering(UnaryOperator<String> reply) {
        return script(SpeakingServer.GREETING, line -> {
            var id = ", \"id\": " + id(line);
            return line.contains("qmp_capabilities") ? "{\"return\": {}" + id + "}\n" : reply.apply(id);
        });
    }

    private static String id(String line) {
        try {
            return JSON.readTree(line).path("id").toString();
        } catch (IOException e) {
            throw new IllegalArgumentException(e);
        }
    }

    private static Script script(String greeting, Function<String, @Nullable String> answer) {
        return new Script() {
            @Override
            public String begin() {
                return greeting;
            }

            @Override
            public @Nullable String answer(String line) {
                return answer.apply(line);
            }
        };
    }
}
