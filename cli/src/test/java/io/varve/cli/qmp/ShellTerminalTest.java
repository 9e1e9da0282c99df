package io.varve.cli.qmp;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Optional;
import org.jline.terminal.impl.ExternalTerminal;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The shell's line as a user edits it, by the bytes of a terminal. */
class ShellTerminalTest {

    private static final String GREETED = SpeakingServer.GREETING;
    private static final String SCHEMA = """
            {"return": [{"name": "query-name", "meta-type": "command", "arg-type": "0", "ret-type": "any"},\
            {"name": "job-dismiss", "meta-type": "command", "arg-type": "1", "ret-type": "any"},\
            {"name": "0", "meta-type": "object", "members": []},\
            {"name": "1", "meta-type": "object", "members": [{"name": "id", "type": "str"}]}], "id": "2"}
            """;

    @TempDir
    private Path folder;

    @Test
    void shouldCompleteCommandsAndArguments() throws Exception {
        try (var server = SpeakingServer.tcp(new SpeakingServer.Script() {
                    @Override
                    public String begin() {
                        return GREETED;
                    }

                    @Override
                    public String answer(String line) {
                        return line.contains("query-qmp-schema") ? SCHEMA : "{\"return\": {}, \"id\": \"1\"}\n";
                    }
                });
                var client = QmpClient.connect(server.address(), Duration.ofSeconds(10));
                var terminal = open("que\t\njob-d\ti\t7\n")) {
            terminal.complete(CommandNames.of(client));

            assertEquals("query-name", terminal.next().orElseThrow().strip());
            assertEquals("job-dismiss id=7", terminal.next().orElseThrow().strip());
            assertEquals(Optional.empty(), terminal.next());
        }
    }

    @Test
    void shouldKeepAHistory() throws Exception {
        try (var terminal = open("first 'line\\n\nsecond\n")) {
            assertEquals(Optional.of("first 'line\\n"), terminal.next());
            assertEquals(Optional.of("second"), terminal.next());
        }
        assertTrue(Files.readString(folder.resolve("history")).contains("second"));
        // The second line before.
        try (var terminal = open("\033[A\033[A\n")) {
            assertEquals(Optional.of("first 'line\\n"), terminal.next());
        }
    }

    private ShellTerminal open(String keys) throws IOException {
        InputStream typed = new ByteArrayInputStream(keys.getBytes(StandardCharsets.UTF_8));
        return new ShellTerminal(
                new ExternalTerminal("test", "ansi", typed, new ByteArrayOutputStream(), StandardCharsets.UTF_8),
                Optional.of(folder.resolve("history")));
    }
}
