package io.varve.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.json.JsonMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.varve.cli.qmp.SpeakingServer;
import java.io.IOException;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.List;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;

/** What the verb makes of what an agent may say; that an agent says it, the tests of the whole path prove. */
class BackupVerbTest {

    private static final JsonMapper JSON = new JsonMapper();
    private static final String STARTED = """
            {"sync-point": "sp-1", "jobs": [{"device": "a", "job-id": "j1", "sync": "incremental"},
             {"device": "b", "job-id": "j2", "sync": "full", "reason": "there is no full backup yet",
              "cause": "no-anchor"}]}""";
    private static final String RUNNING = """
            {"drives": [{"device": "a", "state": "running", "copied-bytes": 0, "total-bytes": 2097152},
             {"device": "b", "state": "committed", "copied-bytes": 1048576, "total-bytes": 1048576}]}""";
    private static final String COMMITTED = RUNNING.replace("running", "committed");
    private static final String ABORTED = RUNNING.replace("\"running\"", "\"aborted\", \"reason\": \"drive b failed\"");

    @Test
    void shouldFollowABackupToItsEnd() throws Exception {
        try (var agent = agent(STARTED, RUNNING, RUNNING, COMMITTED)) {
            var run = CommandRun.of("backup", "--agent", agent.address().toString(), "a", "b");

            assertEquals(0, run.code(), run::err);
            assertEquals(
                    List.of(
                            "a  incremental",
                            "b  full because there is no full backup yet (no-anchor)",
                            "a  committed, 0.0 MiB copied",
                            "b  committed, 1.0 MiB copied",
                            "sync point sp-1"),
                    run.lines());
            assertTrue(
                    agent.received()
                            .get(1)
                            .contains(
                                    "{\"bitmap\":\"varve\",\"full\":false,\"grouped\":true,\"drives\":[\"a\",\"b\"]}"),
                    () -> "" + agent.received());
        }
    }

    @Test
    void shouldAskForAllDrivesWhenNoneIsNamed() throws Exception {
        try (var agent = agent("[{\"device\": \"a\"}, {\"device\": \"b\"}]", STARTED, COMMITTED)) {
            var run = CommandRun.of(
                    "backup", "--agent", agent.address().toString(), "--individual", "--full", "--bitmap=x", "--json");

            assertEquals(0, run.code(), run::err);
            assertEquals("sp-1", JSON.readTree(run.out()).path("sync-point").asText());
            assertEquals(
                    "no-anchor",
                    JSON.readTree(run.out()).at("/drives/1/full-cause").asText());
            assertTrue(
                    agent.received()
                            .get(2)
                            .contains("{\"bitmap\":\"x\",\"full\":true,\"grouped\":false,\"drives\":[\"a\",\"b\"]}"),
                    () -> "" + agent.received());
        }
    }

    @Test
    void shouldAskForAnIncrementOrNothing() throws Exception {
        try (var agent = agent("!drive 'a' can't be backed up by an increment: bitmap 'varve' is inconsistent")) {
            var run = CommandRun.of("backup", "--agent", agent.address().toString(), "--incremental", "a");

            assertEquals(1, run.code());
            assertTrue(run.err().contains("can't be backed up by an increment"), run.err());
            assertTrue(agent.received().get(1).contains("\"incremental\":true"), () -> "" + agent.received());
        }
        assertEquals(
                2,
                CommandRun.of("backup", "--agent", "unix:x", "--full", "--incremental")
                        .code());
    }

    @Test
    void shouldFailWhenNotAllIsCommitted() throws Exception {
        try (var agent = agent(STARTED, RUNNING, ABORTED)) {
            var run = CommandRun.of("backup", "--agent", agent.address().toString(), "a", "b");

            assertEquals(1, run.code());
            assertTrue(run.lines().contains("a  aborted, 0.0 MiB copied: drive b failed"), run.out());
        }
    }

    @Test
    void shouldSayThatTheAgentIsLost() throws Exception {
        try (var agent = agent(STARTED, RUNNING)) {
            var address = agent.address().toString();

            var run = CommandRun.of("backup", "--agent", address, "a");

            assertEquals(1, run.code());
            assertEquals(
                    "varve backup: The agent at " + address + " closed the connection; see its log; what becomes of"
                            + " sync point sp-1, 'varve sync-points' tells.\n",
                    run.err());
        }
    }

    @Test
    void shouldSayWhatTheAgentRefuses() throws Exception {
        try (var agent = agent("!Cannot find device='zz' nor node-name='zz'")) {
            var run = CommandRun.of("backup", "--agent", agent.address().toString(), "zz");

            assertEquals(1, run.code());
            assertEquals(
                    "varve backup: The agent refuses 'x-varve-backup': Cannot find device='zz' nor node-name='zz'.\n",
                    run.err());
        }
    }

    @Test
    void shouldRefuseWhatIsNoAddress() {
        assertEquals(2, CommandRun.of("backup").code());
        assertEquals(2, CommandRun.of("backup", "--agent", "nonsense").code());

        var both = CommandRun.of("backup", "--agent", "unix:x", "--grouped", "--individual");
        assertEquals(2, both.code());
        assertTrue(both.err().startsWith("varve: --grouped, --individual are mutually exclusive"), both.err());
    }

    /** Answers its commands with these, in this order, and then closes the connection; {@code !} makes an error. */
    private static SpeakingServer agent(String... returns) throws IOException {
        Deque<String> left = new ArrayDeque<>(List.of(returns));
        left.addFirst("{}");
        return SpeakingServer.tcp(new SpeakingServer.Script() {
            @Override
            public String begin() {
                return SpeakingServer.GREETING;
            }

            @Override
            public @Nullable String answer(String line) {
                var next = left.pollFirst();
                return next == null ? null : reply(line, next);
            }
        });
    }

    private static String reply(String line, String answer) {
        try {
            ObjectNode reply = JSON.createObjectNode();
            reply.set("id", JSON.readTree(line).path("id"));
            if (answer.startsWith("!")) {
                reply.putObject("error").put("class", "GenericError").put("desc", answer.substring(1));
            } else {
                reply.set("return", JSON.readTree(answer));
            }
            return reply + "\n";
        } catch (IOException e) {
            throw new IllegalArgumentException(e);
        }
    }
}
