package io.varve.capture.tracking;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.varve.capture.backend.BackendAccess;
import io.varve.capture.backend.NbdBackend;
import io.varve.capture.backend.UpstreamServer;
import io.varve.capture.nbd.Completion;
import io.varve.core.bits.Extent;
import io.varve.core.id.DriveId;
import io.varve.formats.nbd.NbdError;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** A write whose server was killed before it answered: nobody knows whether it's there, or will be. */
@Timeout(120)
class LostWriteTest {
    private static final Duration RECONNECT_DELAY = Duration.ofSeconds(60);
    private static final int MIB = 1 << 20;

    @TempDir
    private Path directory;

    @Test
    void shouldMarkEveryGenerationFromThenOn() throws Exception { // I1
        Path log = directory.resolve("nbdkit.log");
        List<String> command =
                List.of("--filter=log", "--filter=delay", "memory", "4M", "wdelay=3600", "logfile=" + log);
        try (UpstreamServer server = UpstreamServer.nbdkit(directory.resolve("nbdkit.sock"), command);
                AgentFixture fixture = AgentFixture.open(directory.resolve("agent"))) {
            NbdBackend backend =
                    NbdBackend.open(server.uri(), BackendAccess.READ_WRITE, RECONNECT_DELAY, System::nanoTime);
            fixture.agent().attach(new DriveImage(new DriveId("disk0"), directory.resolve("nbdkit.sock"), backend));
            fixture.transact(io.varve.core.drive.Completion.INDIVIDUAL, AgentFixture.add("disk0", "a"));
            CompletableFuture<String> failure = write(fixture, MIB);
            awaitLine(log, "Write id=");

            server.kill();
            String reason = failure.get();
            fixture.transact(io.varve.core.drive.Completion.INDIVIDUAL, AgentFixture.add("disk0", "b"));

            assertTrue(reason.contains("may have been done or not"), reason);
            List<Extent> suspect = List.of(new Extent(MIB, 65_536));
            assertEquals(suspect, fixture.content("disk0", "a").extents());
            assertEquals(suspect, fixture.content("disk0", "b").extents());
            server.restart();
            assertThrows(IOException.class, backend::flush);
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
        long endNanos = System.nanoTime() + TimeUnit.SECONDS.toNanos(30);
        while (!Files.exists(log) || !Files.readString(log).contains(text)) {
            assertTrue(System.nanoTime() < endNanos, () -> "no '" + text + "' in " + log);
            LockSupport.parkNanos(TimeUnit.MILLISECONDS.toNanos(10));
        }
    }
}
