package io.varve.capture.nbd;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.varve.capture.backend.BackendAccess;
import io.varve.core.Seeds;
import io.varve.formats.nbd.NbdError;
import io.varve.formats.nbd.NbdUri;
import io.varve.formats.nbd.StatusExtent;
import io.varve.transfer.nbd.Durability;
import io.varve.transfer.nbd.NbdClient;
import io.varve.transfer.nbd.NbdException;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.SplittableRandom;
import java.util.concurrent.CompletableFuture;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The server and the client together. */
class NbdServerTest {
    private static final int SIZE_BYTES = 4 << 20;

    @TempDir
    private Path folder;

    private ServedImage served;

    @BeforeEach
    void serve() throws IOException {
        served = new ServedImage(folder, SIZE_BYTES);
    }

    @AfterEach
    void stop() throws IOException {
        served.close();
    }

    @Test
    void shouldBehaveAsAnArrayOfBytes() {
        byte[] model = new byte[SIZE_BYTES];
        Seeds.forEach(8, random -> {
            try (NbdClient client = ServedImage.client(random.nextBoolean() ? served.unix : served.tcp)) {
                // The image keeps what earlier seeds wrote, so a seed replayed alone starts from the image's state.
                client.read(0, ByteBuffer.wrap(model));
                for (int step = 0; step < 60; step++) {
                    step(client, model, random);
                }
                byte[] whole = new byte[SIZE_BYTES];
                client.read(0, ByteBuffer.wrap(whole));
                assertArrayEquals(model, whole);
            } catch (IOException e) {
                throw new UncheckedIOException(e);
            }
        });
    }

    private static void step(NbdClient client, byte[] model, SplittableRandom random) throws IOException {
        int offset = random.nextInt(SIZE_BYTES);
        int longest = 1 << random.nextInt(21);
        int length = 1 + random.nextInt(Math.min(longest, SIZE_BYTES - offset));
        Durability durability = random.nextInt(8) == 0 ? Durability.DURABLE : Durability.CACHED;
        switch (random.nextInt(5)) {
            case 0, 1 -> {
                byte[] data = new byte[length];
                random.nextBytes(data);
                client.write(offset, ByteBuffer.wrap(data), durability);
                System.arraycopy(data, 0, model, offset, length);
            }
            case 2 -> {
                client.writeZeroes(offset, length, durability);
                Arrays.fill(model, offset, offset + length, (byte) 0);
            }
            case 3 -> {
                // A trim leaves what it likes; the write behind it makes the range known again.
                client.trim(offset, length, durability);
                client.write(offset, ByteBuffer.wrap(model, offset, length), durability);
            }
            default -> {
                byte[] read = new byte[length];
                client.read(offset, ByteBuffer.wrap(read));
                assertArrayEquals(Arrays.copyOfRange(model, offset, offset + length), read);
            }
        }
    }

    @Test
    void shouldAnswerManyRequestsInFlight() throws Exception {
        try (NbdClient client = served.client()) {
            List<CompletableFuture<Void>> writes = new ArrayList<>();
            for (int i = 0; i < 1000; i++) {
                ByteBuffer data = ByteBuffer.allocate(4096).putInt(0, i);
                writes.add(client.writeAsync(4096L * i, data, i % 50 == 0 ? Durability.DURABLE : Durability.CACHED));
                writes.add(client.flushAsync());
            }
            CompletableFuture.allOf(writes.toArray(CompletableFuture[]::new)).get();

            List<CompletableFuture<Void>> reads = new ArrayList<>();
            List<ByteBuffer> read = new ArrayList<>();
            for (int i = 0; i < 1000; i++) {
                read.add(ByteBuffer.allocateDirect(4096));
                reads.add(client.readAsync(4096L * i, read.get(i)));
            }
            CompletableFuture.allOf(reads.toArray(CompletableFuture[]::new)).get();

            for (int i = 0; i < 1000; i++) {
                assertEquals(i, read.get(i).getInt(0));
            }
        }
    }

    @Test
    void shouldTellAllocation() throws Exception {
        try (NbdClient client = served.client()) {
            client.write(1 << 20, ByteBuffer.allocate(65536).put(0, (byte) 1), Durability.CACHED);

            List<StatusExtent> extents = client.blockStatus(StatusExtent.BASE_ALLOCATION, 0, SIZE_BYTES);

            int hole = StatusExtent.HOLE | StatusExtent.ZERO;
            assertEquals(
                    List.of(
                            new StatusExtent(1 << 20, hole),
                            new StatusExtent(65536, 0),
                            new StatusExtent(SIZE_BYTES - (1 << 20) - 65536, hole)),
                    extents);
        }
    }

    @Test
    void shouldNameTheErrorOfARequestAndGoOn() throws Exception {
        served.exports.add("fixed", new BackendExport(served.backend(), BackendAccess.READ_ONLY, Runnable::run));
        try (NbdClient client = ServedImage.client(new NbdUri(served.unix.address(), "fixed"))) {
            NbdException read =
                    assertThrows(NbdException.class, () -> client.read(SIZE_BYTES - 1, ByteBuffer.allocate(2)));
            NbdException written = assertThrows(
                    NbdException.class, () -> client.write(0, ByteBuffer.allocate(512), Durability.CACHED));
            NbdException longWrite = assertThrows(
                    NbdException.class, () -> client.write(0, ByteBuffer.allocate(SIZE_BYTES), Durability.CACHED));

            assertEquals(NbdError.EINVAL, read.error());
            assertEquals(NbdError.EPERM, written.error());
            assertEquals(NbdError.EPERM, longWrite.error());
            assertTrue(read.toString().contains("READ of 2 bytes at 4194303"), read.toString());
            client.read(0, ByteBuffer.allocate(512));
        }
    }

    @Test
    void shouldFailRequestsToARemovedExport() throws Exception {
        try (NbdClient client = served.client()) {
            served.exports.remove(ServedImage.NAME);

            NbdException read = assertThrows(NbdException.class, () -> client.read(0, ByteBuffer.allocate(512)));
            NbdException flushed = assertThrows(NbdException.class, client::flush);
            IOException connected = assertThrows(IOException.class, served::client);

            assertEquals(NbdError.ESHUTDOWN, read.error());
            assertEquals(NbdError.ESHUTDOWN, flushed.error());
            assertTrue(connected.toString().contains("no export 'drive0'"), connected.toString());
        }
    }

    @Test
    void shouldRefuseOneConnectionTooMany() throws Exception {
        List<NbdClient> clients = new ArrayList<>();
        try {
            for (int i = 0; i < NbdServerOptions.DEFAULT.connectionsPerExportMax(); i++) {
                clients.add(served.client());
            }

            IOException refused = assertThrows(IOException.class, served::client);

            assertTrue(refused.toString().contains("has 16 connections already"), refused.toString());
        } finally {
            clients.forEach(NbdClient::close);
        }
    }
}
