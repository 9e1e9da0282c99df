package io.varve.cli;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.json.JsonMapper;
import io.varve.capture.backend.BackendAccess;
import io.varve.capture.backend.RawFileBackend;
import io.varve.capture.nbd.Completion;
import io.varve.capture.nbd.ExportRegistry;
import io.varve.capture.tracking.Agent;
import io.varve.capture.tracking.AgentOptions;
import io.varve.capture.tracking.AgentSurroundings;
import io.varve.capture.tracking.DriveImage;
import io.varve.capture.tracking.Transacted;
import io.varve.core.drive.Recording;
import io.varve.core.id.DriveId;
import io.varve.core.transaction.Action;
import io.varve.formats.nbd.NbdError;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.SecureRandom;
import java.time.InstantSource;
import java.util.List;
import java.util.Optional;
import java.util.UUID;
import java.util.concurrent.CompletableFuture;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class StateVerbTest {

    @TempDir
    Path folder;

    @Test
    void shouldPrintWhatARunningAgentHas() throws Exception {
        try (Agent agent = agent()) {
            write(agent);

            CommandRun run = run("--json");

            assertEquals(0, run.code(), run.err());
            JsonNode state = new JsonMapper().readTree(run.out());
            assertTrue(state.path("in-use").asBoolean());
            JsonNode drive = state.path("drives").path(0);
            assertEquals("disk0", drive.path("drive").asText());
            assertEquals("fresh", drive.path("last-arrival").asText());
            assertEquals("a", drive.path("bitmaps").path(0).path("name").asText());
            assertEquals(
                    "recording", drive.path("bitmaps").path(0).path("status").asText());
            assertEquals(
                    65_536,
                    drive.path("generations").path(0).path("dirty-bytes").asLong());
            assertEquals(
                    1,
                    drive.path("activity-log")
                            .path("hot-regions")
                            .path(0)
                            .path("first")
                            .asInt());
        }
    }

    @Test
    void shouldPrintWhatAnAgentLeft() throws Exception {
        try (Agent agent = agent()) {
            write(agent);
        }

        CommandRun run = run();

        assertEquals(0, run.code(), run.err());
        assertEquals("No agent is using it.", run.lines().getFirst());
        assertTrue(run.out().contains("last arrival fresh, detached since"), run.out());
        assertTrue(run.out().contains("open, 65536 bytes dirty"), run.out());
        assertTrue(run.out().contains("bitmap a: recording"), run.out());
        assertTrue(run.out().contains("activity log: none"), run.out());
    }

    @Test
    void shouldSayWhatIsDamagedAndChangeNothing() throws Exception {
        try (Agent agent = agent()) {
            write(agent);
        }
        Path journal = folder.resolve("state/disk0/journal");
        byte[] bytes = Files.readAllBytes(journal);
        bytes[40] ^= 1;
        Files.write(journal, bytes);

        CommandRun run = run();

        assertEquals(1, run.code());
        assertTrue(
                run.out().contains("drive disk0: unreadable: journal '" + journal + "' is damaged at offset 24"),
                run.out());
        assertArrayEquals(bytes, Files.readAllBytes(journal));
    }

    @Test
    void shouldRefuseAFolderThatIsNoStateDirectory() {
        CommandRun run = run();

        assertEquals(1, run.code());
        assertTrue(run.err().contains("is no directory: name the one of varve capture's --state"), run.err());
    }

    private CommandRun run(String... options) {
        List<String> arguments = new java.util.ArrayList<>(List.of(
                "state",
                folder.resolve("state").toString(),
                "--live",
                folder.resolve("live").toString()));
        arguments.addAll(List.of(options));
        return CommandRun.of(arguments.toArray(new String[0]));
    }

    private Agent agent() throws IOException {
        Path image = Files.write(folder.resolve("disk0.raw"), new byte[8 << 20]);
        Agent agent = Agent.open(
                AgentOptions.in(folder.resolve("state"), folder.resolve("live"), "unix:/none"),
                new AgentSurroundings(
                        new ExportRegistry(),
                        InstantSource.system(),
                        System::nanoTime,
                        new SecureRandom(),
                        new UUID(1, 1)));
        agent.attach(new DriveImage(new DriveId("disk0"), image, RawFileBackend.open(image, BackendAccess.READ_WRITE)));
        return agent;
    }

    private static void write(Agent agent) {
        Transacted added = agent.transact(
                List.of(new Action.AddBitmap("disk0", "a", Optional.empty(), true, Recording.ENABLED)),
                io.varve.core.drive.Completion.INDIVIDUAL,
                agent.newSyncPointId());
        assertTrue(added instanceof Transacted.Done, added::toString);
        CompletableFuture<Void> end = new CompletableFuture<>();
        agent.surroundings()
                .exports()
                .find("disk0")
                .orElseThrow()
                .write(5 << 20, ByteBuffer.allocate(512), new Completion() {
                    @Override
                    public void done() {
                        end.complete(null);
                    }

                    @Override
                    public void failed(NbdError error, String reason) {
                        end.completeExceptionally(new IOException(reason));
                    }
                });
        end.join();
    }
}
