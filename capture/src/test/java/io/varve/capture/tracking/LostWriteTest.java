package io.varve.capture.tracking;

import static io.varve.core.drive.Completion.INDIVIDUAL;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.varve.capture.backend.BackendAccess;
import io.varve.capture.backend.NbdBackend;
import io.varve.capture.backend.UpstreamServer;
import io.varve.capture.nbd.Completion;
import io.varve.core.bits.Extent;
import io.varve.core.drive.Arrival;
import io.varve.core.id.DriveId;
import io.varve.formats.nbd.NbdError;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.UUID;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** A write whose server was killed before it answered: nobody knows whether it's there, or will be. */
@Timeout(120)
class LostWriteTest {
    private static final Duration RECONNECT_DELAY = Duration.ofSeconds(60);
    private static final int MIB = 1 << 20;
    private static final List<Extent> SUSPECT = List.of(new Extent(MIB, 65_536));

    @TempDir
    private Path directory;

    @Test
    void shouldMarkEveryGenerationFromThenOn() throws Exception { // I1
        try (UpstreamServer server = slowServer();
                AgentFixture fixture = AgentFixture.open(directory.resolve("agent"))) {
            NbdBackend backend = connected(server);
            fixture.agent().attach(new DriveImage(new DriveId("disk0"), directory.resolve("nbdkit.sock"), backend));
            fixture.transact(INDIVIDUAL, AgentFixture.add("disk0", "a"));
            CompletableFuture<String> failure = write(fixture, MIB);
            awaitLine(log(), "Write id=");

            server.kill();
            String reason = failure.get();
            fixture.transact(INDIVIDUAL, AgentFixture.add("disk0", "b"));

            assertTrue(reason.contains("may have been done or not"), reason);
            assertEquals(SUSPECT, fixture.content("disk0", "a").extents());
            assertEquals(SUSPECT, fixture.content("disk0", "b").extents());
            server.restart();
            assertThrows(IOException.class, backend::flush);
        }
    }

    @Test
    void shouldMarkThemAfterTheAgentWasKilled() throws Exception { // I1, reliability 6.19
        try (UpstreamServer server = slowServer()) {
            loseAWrite(server, "first");

            copyAgent("first", "second");
            try (AgentFixture fixture = attached(connected(server), "second", AgentFixture.BOOT)) {
                assertEquals(Arrival.RECOVERED, known("second").lastArrival().orElseThrow());
                assertEquals(List.of(new Extent(MIB, 512)), known("second").lostWrites());
                fixture.transact(INDIVIDUAL, AgentFixture.add("disk0", "b"));
                assertEquals(SUSPECT, fixture.content("disk0", "b").extents());
                IOException refusal = assertThrows(
                        IOException.class, () -> fixture.agent().handovers().announce(new DriveId("disk0"), "another"));
                assertTrue(
                        String.valueOf(refusal.getMessage()).contains("while writes may reach it late"),
                        refusal::toString);
                copyAgent("second", "third");
            }
            try (AgentFixture fixture = attached(connected(server), "third", AgentFixture.BOOT)) {
                fixture.transact(INDIVIDUAL, AgentFixture.add("disk0", "c"));
                assertEquals(SUSPECT, fixture.content("disk0", "c").extents());
            }
        }
    }

    @Test
    void shouldMarkThoseThatWereInFlightAtTheKill() throws Exception { // I1, reliability 6.19
        try (UpstreamServer server = slowServer()) {
            NbdBackend backend = connected(server);
            AgentFixture killed = attached(backend, "first", AgentFixture.BOOT);
            CompletableFuture<String> failure = write(killed, MIB);
            awaitLine(log(), "Write id=");

            copyAgent("first", "second");
            try (AgentFixture fixture = attached(connected(server), "second", AgentFixture.BOOT)) {
                fixture.transact(INDIVIDUAL, AgentFixture.add("disk0", "b"));
                assertEquals(SUSPECT, fixture.content("disk0", "b").extents());
            }
            server.kill();
            assertTrue(failure.get().contains("may have been done or not"), failure::toString);
            server.restart();
            assertThrows(IOException.class, backend::flush);
            killed.close();
        }
    }

    @Test
    void shouldMarkAllThatWasHotAfterAPowerCut() throws Exception { // I1, reliability 6.19
        try (UpstreamServer server = slowServer()) {
            loseAWrite(server, "first");

            copyAgent("first", "second");
            removeLiveSets("second");
            try (AgentFixture fixture = attached(connected(server), "second", new UUID(13, 14))) {
                assertEquals(Arrival.COARSE, known("second").lastArrival().orElseThrow());
                fixture.transact(INDIVIDUAL, AgentFixture.add("disk0", "b"));
                assertEquals(
                        List.of(new Extent(0, 4 * MIB)),
                        fixture.content("disk0", "b").extents());
            }
        }
    }

    @Test
    void shouldForgetThemWithADetach() throws Exception { // reliability 6.10
        try (UpstreamServer server = slowServer()) {
            loseAWrite(server, "first");
            copyAgent("first", "second");
            try (AgentFixture fixture = attached(connected(server), "second", AgentFixture.BOOT)) {
                fixture.transact(INDIVIDUAL, AgentFixture.add("disk0", "b"));
            }

            try (AgentFixture fixture = attached(connected(server), "second", AgentFixture.BOOT)) {
                assertEquals(Arrival.CLEAN, known("second").lastArrival().orElseThrow());
                fixture.transact(INDIVIDUAL, AgentFixture.add("disk0", "c"));
                assertEquals(List.of(), fixture.content("disk0", "c").extents());
                assertEquals(SUSPECT, fixture.content("disk0", "b").extents());
            }
        }
    }

    /** Runs an agent in {@code folder} that loses a write; its files are left as of before its end. */
    private void loseAWrite(UpstreamServer server, String folder) throws Exception {
        NbdBackend backend = connected(server);
        try (AgentFixture fixture = attached(backend, "run", AgentFixture.BOOT)) {
            fixture.transact(INDIVIDUAL, AgentFixture.add("disk0", "a"));
            CompletableFuture<String> failure = write(fixture, MIB);
            awaitLine(log(), "Write id=");
            server.kill();
            assertTrue(failure.get().contains("may have been done or not"), failure::toString);
            await(() -> Files.exists(directory.resolve("run/state/disk0").resolve(LostWritesFile.NAME)));
            copyAgent("run", folder);
            server.restart();
            assertThrows(IOException.class, backend::flush);
        }
    }

    private UpstreamServer slowServer() throws Exception {
        return UpstreamServer.nbdkit(
                directory.resolve("nbdkit.sock"),
                List.of("--filter=log", "--filter=delay", "memory", "4M", "wdelay=3600", "logfile=" + log()));
    }

    private Path log() {
        return directory.resolve("nbdkit.log");
    }

    private static NbdBackend connected(UpstreamServer server) throws IOException {
        return NbdBackend.open(server.uri(), BackendAccess.READ_WRITE, RECONNECT_DELAY, System::nanoTime);
    }

    private AgentFixture attached(NbdBackend backend, String folder, UUID boot) throws IOException {
        AgentFixture fixture = AgentFixture.openOnBoot(directory.resolve(folder), boot);
        fixture.agent()
                .attach(new DriveImage(
                        new DriveId("disk0"), "nbd", Optional.empty(), DriveImage.Use.EXCLUSIVE, backend));
        return fixture;
    }

    private StateDirectory.Drive.Known known(String folder) throws IOException {
        Path agent = directory.resolve(folder);
        StateDirectory state = StateDirectory.look(agent.resolve("state"), agent.resolve("live"));
        return assertInstanceOf(StateDirectory.Drive.Known.class, state.drives().getFirst());
    }

    /** What a killed agent would leave. */
    private void copyAgent(String from, String to) throws IOException {
        Path source = directory.resolve(from);
        try (Stream<Path> files = Files.walk(source)) {
            for (Path file : files.toList()) {
                Path target = directory.resolve(to).resolve(source.relativize(file));
                if (Files.isDirectory(file)) {
                    Files.createDirectories(target);
                } else {
                    Files.copy(file, target);
                }
            }
        }
    }

    private void removeLiveSets(String folder) throws IOException {
        try (Stream<Path> files = Files.walk(directory.resolve(folder).resolve("live"))) {
            for (Path file : files.filter(Files::isRegularFile).toList()) {
                Files.delete(file);
            }
        }
    }

    private static CompletableFuture<String> write(AgentFixture fixture, long offsetBytes) {
        CompletableFuture<String> failure = new CompletableFuture<>();
        fixture.export("disk0").write(offsetBytes, ByteBuffer.allocateDirect(512), new Completion() {
            @Override
            public void done() {
                failure.completeExceptionally(new AssertionError("the write was acknowledged"));
            }

            @Override
            public void failed(NbdError error, String reason) {
                failure.complete(error + ": " + reason);
            }
        });
        return failure;
    }

    private static void awaitLine(Path log, String text) throws IOException {
        await(() -> Files.exists(log) && Files.readString(log).contains(text));
    }

    private interface Condition {
        boolean holds() throws IOException;
    }

    private static void await(Condition condition) throws IOException {
        long endNanos = System.nanoTime() + TimeUnit.SECONDS.toNanos(30);
        while (!condition.holds()) {
            assertTrue(System.nanoTime() < endNanos, "it didn't come to that");
            LockSupport.parkNanos(TimeUnit.MILLISECONDS.toNanos(10));
        }
    }
}
