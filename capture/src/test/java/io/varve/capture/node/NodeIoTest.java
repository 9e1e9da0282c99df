package io.varve.capture.node;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.varve.capture.backend.BackendAccess;
import io.varve.capture.backend.RawFileBackend;
import io.varve.capture.nbd.BackendExport;
import io.varve.capture.nbd.Export;
import io.varve.capture.tracking.AgentFixture;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class NodeIoTest {
    private static final int SIZE_BYTES = 4096;
    private static final long HANG_NANOS = Duration.ofSeconds(60).toNanos();

    @TempDir
    private Path directory;

    @Test
    void shouldGiveAWriteThatWaitedForTrackingToTheTrackedExport() throws Exception { // I1
        Path plain = image("plain");
        Path tracked = image("tracked");
        try (RawFileBackend first = RawFileBackend.open(plain, BackendAccess.READ_WRITE);
                RawFileBackend second = RawFileBackend.open(tracked, BackendAccess.READ_WRITE)) {
            NodeIo io = new NodeIo(export(first), false, System::nanoTime);
            CompletableFuture<Boolean> written = new CompletableFuture<>();
            io.track(
                    () -> {
                        Thread guest = Thread.ofPlatform().start(() -> write(io, written));
                        while (guest.getState() != Thread.State.WAITING) {
                            Thread.onSpinWait();
                        }
                        return export(second);
                    },
                    HANG_NANOS);
            assertTrue(written.get(30, TimeUnit.SECONDS));

            assertEquals(0, Files.readAllBytes(plain)[0], "a write went past tracking");
            assertEquals(1, Files.readAllBytes(tracked)[0]);
        }
    }

    @Test
    void shouldTrackANodeAfterAWriteThatABugEnded() throws Exception {
        try (RawFileBackend backend = RawFileBackend.open(image("plain"), BackendAccess.READ_WRITE)) {
            NodeIo io = new NodeIo(export(backend), false, System::nanoTime);

            // There is no such place: the write breaks before it's told of.
            assertThrows(RuntimeException.class, () -> io.writeNow(-512, ByteBuffer.allocateDirect(512)));
            Thread tracking = Thread.ofPlatform().daemon().start(() -> track(io, backend));

            assertTrue(tracking.join(Duration.ofSeconds(20)), "tracking waits for a write that is over");
        }
    }

    private static void track(NodeIo io, RawFileBackend backend) {
        try {
            io.track(() -> export(backend), HANG_NANOS);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private static void write(NodeIo io, CompletableFuture<Boolean> written) {
        try {
            io.writeNow(0, ByteBuffer.allocateDirect(512).put(0, (byte) 1));
            boolean _ = written.complete(true);
        } catch (IOException | RuntimeException e) {
            boolean _ = written.completeExceptionally(e);
        }
    }

    private static Export export(RawFileBackend backend) {
        return new BackendExport(backend, BackendAccess.READ_WRITE, Runnable::run);
    }

    private Path image(String name) throws IOException {
        Path image = directory.resolve(name);
        AgentFixture.makeImage(image, SIZE_BYTES);
        return image;
    }
}
