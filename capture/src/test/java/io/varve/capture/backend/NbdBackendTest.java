package io.varve.capture.backend;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.varve.core.Seeds;
import io.varve.formats.nbd.StatusExtent;
import java.io.IOException;
import java.io.RandomAccessFile;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.SplittableRandom;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.atomic.AtomicReference;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** A drive over real servers, which are killed and started again. */
@Timeout(120)
class NbdBackendTest {
    private static final int SIZE_BYTES = 4 << 20;
    private static final Duration LONG = Duration.ofSeconds(60);

    @TempDir
    private Path folder;

    private UpstreamServer qemu() throws IOException {
        return UpstreamServer.qemu(folder.resolve("qemu.sock"), image());
    }

    /** Options and filters go before the plugin, parameters behind it. */
    private UpstreamServer nbdkit(String... arguments) throws IOException {
        List<String> all = new ArrayList<>();
        Stream.of(arguments).filter(argument -> argument.startsWith("-")).forEach(all::add);
        all.addAll(List.of("file", image().toString()));
        Stream.of(arguments).filter(argument -> !argument.startsWith("-")).forEach(all::add);
        return UpstreamServer.nbdkit(folder.resolve("nbdkit.sock"), all);
    }

    private Path image() throws IOException {
        Path image = folder.resolve("upstream.raw");
        try (RandomAccessFile file = new RandomAccessFile(image.toFile(), "rw")) {
            file.setLength(SIZE_BYTES);
        }
        return image;
    }

    private static NbdBackend open(UpstreamServer server, Duration delay) throws IOException {
        return NbdBackend.open(server.uri(), BackendAccess.READ_WRITE, delay, System::nanoTime);
    }

    private static byte[] read(Backend backend, long offset, int length) throws IOException {
        ByteBuffer into = ByteBuffer.allocate(length);
        backend.read(offset, into);
        return into.array();
    }

    @Test
    void shouldBehaveAsAnArrayOfBytesOverQemuNbd() throws IOException {
        try (UpstreamServer server = qemu()) {
            assertArrayOfBytes(server);
        }
    }

    @Test
    void shouldBehaveAsAnArrayOfBytesOverNbdkit() throws IOException {
        try (UpstreamServer server = nbdkit()) {
            assertArrayOfBytes(server);
        }
    }

    private static void assertArrayOfBytes(UpstreamServer server) {
        Seeds.forEach(3, random -> {
            byte[] model = new byte[SIZE_BYTES];
            try (NbdBackend backend = open(server, LONG)) {
                backend.zero(0, SIZE_BYTES, ZeroMode.MAY_PUNCH);
                for (int step = 0; step < 60; step++) {
                    step(backend, model, random);
                }
                backend.flush();
                assertArrayEquals(model, read(backend, 0, SIZE_BYTES));
            } catch (IOException e) {
                throw new UncheckedIOException(e);
            }
        });
    }

    private static void step(Backend backend, byte[] model, SplittableRandom random) throws IOException {
        int offset = random.nextInt(SIZE_BYTES / 512) * 512;
        int length = Math.min(512 * (1 + random.nextInt(200)), SIZE_BYTES - offset);
        switch (random.nextInt(4)) {
            case 0 -> {
                backend.zero(offset, length, random.nextBoolean() ? ZeroMode.MAY_PUNCH : ZeroMode.KEEP_ALLOCATED);
                Arrays.fill(model, offset, offset + length, (byte) 0);
            }
            case 1 ->
                assertArrayEquals(Arrays.copyOfRange(model, offset, offset + length), read(backend, offset, length));
            case 2 ->
                assertEquals(
                        length,
                        backend.allocation(offset, length, Integer.MAX_VALUE).stream()
                                .mapToLong(StatusExtent::lengthBytes)
                                .sum());
            default -> {
                byte[] data = new byte[length];
                random.nextBytes(data);
                backend.write(offset, ByteBuffer.wrap(data));
                System.arraycopy(data, 0, model, offset, length);
            }
        }
    }

    @Test
    void shouldGoOnReadingWhenTheServerWasKilledAndStartedAgain() throws IOException {
        try (UpstreamServer server = qemu();
                NbdBackend backend = open(server, LONG)) {
            backend.write(4096, ByteBuffer.wrap(new byte[] {1, 2, 3}));
            backend.flush();

            server.restart();

            assertArrayEquals(new byte[] {1, 2, 3}, read(backend, 4096, 3));
            backend.flush();
        }
    }

    @Test
    void shouldHaveAReadWaitForTheServer() throws Exception {
        try (UpstreamServer server = nbdkit();
                NbdBackend backend = open(server, LONG)) {
            backend.write(0, ByteBuffer.wrap(new byte[] {7}));
            backend.flush();
            server.kill();
            CompletableFuture<byte[]> read = CompletableFuture.supplyAsync(() -> {
                try {
                    return read(backend, 0, 1);
                } catch (IOException e) {
                    throw new UncheckedIOException(e);
                }
            });

            server.restart();

            assertArrayEquals(new byte[] {7}, read.get());
        }
    }

    @Test
    void shouldFailTheFirstFlushAfterAcknowledgedWritesMayBeLost() throws IOException {
        try (UpstreamServer server = qemu();
                NbdBackend backend = open(server, LONG)) {
            backend.write(0, ByteBuffer.wrap(new byte[] {1}));
            server.restart();

            IOException e = assertThrows(IOException.class, backend::flush);

            assertTrue(e.toString().contains("writes may be lost"), e.toString());
            backend.flush();
        }
    }

    @Test
    void shouldSayThatTheOutcomeOfAWriteIsUnknown() throws Exception {
        try (UpstreamServer server = nbdkit("--filter=delay", "wdelay=3600");
                NbdBackend backend = open(server, LONG)) {
            AtomicReference<Thread> writer = new AtomicReference<>();
            CompletableFuture<UnknownOutcomeException> failure = CompletableFuture.supplyAsync(() -> {
                writer.set(Thread.currentThread());
                return assertThrows(UnknownOutcomeException.class, () -> backend.write(8192, ByteBuffer.allocate(512)));
            });
            while (writer.get() == null || writer.get().getState() != Thread.State.TIMED_WAITING) {
                Thread.onSpinWait();
            }

            server.kill();

            String reason = failure.get().toString();
            assertTrue(reason.contains("a write of 512 bytes at 8192 may have been done or not"), reason);
        }
    }

    @Test
    void shouldGoOnWritingWhenTheServerWasStartedAgainMeanwhile() throws IOException {
        try (UpstreamServer server = qemu();
                NbdBackend backend = open(server, LONG)) {
            for (int round = 1; round <= 5; round++) {
                server.restart();

                backend.write(4096, ByteBuffer.wrap(new byte[] {(byte) round}));

                assertArrayEquals(new byte[] {(byte) round}, read(backend, 4096, 1));
                backend.flush();
            }
        }
    }

    @Test
    void shouldFailOnceTheServerWasAwayForTooLong() throws IOException {
        try (UpstreamServer server = nbdkit();
                NbdBackend backend = open(server, Duration.ofMillis(300))) {
            server.kill();

            IOException e = assertThrows(IOException.class, () -> read(backend, 0, 512));

            assertTrue(e.toString().contains("has been away for"), e.toString());
        }
    }

    @Test
    void shouldTellTheServersOwnError() throws IOException {
        try (UpstreamServer server = nbdkit("--filter=error", "error-pwrite=ENOSPC", "error-pwrite-rate=100%");
                NbdBackend backend = open(server, LONG)) {
            RequestFailedException e =
                    assertThrows(RequestFailedException.class, () -> backend.write(0, ByteBuffer.allocate(512)));

            assertEquals(io.varve.formats.nbd.NbdError.ENOSPC, e.error());
        }
    }

    @Test
    void shouldRefuseAReadOnlyExport() throws IOException {
        try (UpstreamServer server = nbdkit("-r")) {
            IOException e = assertThrows(IOException.class, () -> open(server, LONG));

            assertTrue(e.toString().contains("is read-only; serve it for writing"), e.toString());
        }
    }
}
