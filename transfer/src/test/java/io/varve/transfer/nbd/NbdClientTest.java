package io.varve.transfer.nbd;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.varve.core.Seeds;
import io.varve.core.Tool;
import io.varve.formats.nbd.NbdAddress;
import io.varve.formats.nbd.NbdError;
import io.varve.formats.nbd.NbdUri;
import io.varve.formats.nbd.StatusExtent;
import io.varve.formats.nbd.TransmissionFlag;
import java.io.IOException;
import java.io.RandomAccessFile;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.SplittableRandom;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** The client with the servers of others: nbdkit and qemu-nbd. */
@Timeout(120)
class NbdClientTest {
    private static final int SIZE_BYTES = 4 << 20;

    @TempDir
    private Path folder;

    @Test
    void shouldSpeakWithNbdkitBothWays() throws Exception {
        for (String replies : List.of("--mask-handshake=3", "--no-sr")) {
            try (OtherServer server = OtherServer.nbdkit(folder, replies, "memory", "4M");
                    NbdClient client = connect(server.uri())) {
                assertEquals(SIZE_BYTES, client.sizeBytes());
                assertTrue(client.flags().contains(TransmissionFlag.SEND_FUA));
                assertBehavesAsAnArrayOfBytes(client);
            }
            Files.delete(folder.resolve("nbdkit.sock"));
        }
    }

    @Test
    void shouldReadSparseImagesOfQemu() throws Exception {
        Path image = folder.resolve("sparse.raw");
        try (RandomAccessFile file = new RandomAccessFile(image.toFile(), "rw")) {
            file.setLength(SIZE_BYTES);
        }
        Tool.run("qemu-io", "-f", "raw", image.toString(), "-c", "write -P 3 1M 64k")
                .success();
        byte[] expected = new byte[SIZE_BYTES];
        Arrays.fill(expected, 1 << 20, (1 << 20) + 65536, (byte) 3);

        try (OtherServer server = OtherServer.qemuNbd(folder, "drive", "-f", "raw", image.toString());
                NbdClient client = connect(server.uri())) {
            byte[] read = new byte[SIZE_BYTES];
            Arrays.fill(read, (byte) 9);
            client.read(0, ByteBuffer.wrap(read));

            int hole = StatusExtent.HOLE | StatusExtent.ZERO;
            assertArrayEquals(expected, read);
            assertEquals(
                    List.of(
                            new StatusExtent(1 << 20, hole),
                            new StatusExtent(65536, 0),
                            new StatusExtent(SIZE_BYTES - (1 << 20) - 65536, hole)),
                    client.blockStatus(StatusExtent.BASE_ALLOCATION, 0, SIZE_BYTES));
            assertBehavesAsAnArrayOfBytes(client);
        }
    }

    @Test
    void shouldReadADirtyBitmapOfQemu() throws Exception {
        String image = folder.resolve("disk.qcow2").toString();
        Tool.run("qemu-img", "create", "-f", "qcow2", image, "4M").success();
        Tool.run("qemu-img", "bitmap", "--add", "-g", "64k", image, "bitmap0").success();
        Tool.run("qemu-io", "-f", "qcow2", image, "-c", "write -P 3 128k 4k", "-c", "write -P 3 4032k 64k")
                .success();
        String context = StatusExtent.DIRTY_BITMAP_PREFIX + "bitmap0";

        try (OtherServer server = OtherServer.qemuNbd(folder, "drive", "-r", "-f", "qcow2", "-B", "bitmap0", image);
                NbdClient client = NbdClient.connect(
                        server.uri(), List.of(context, "qemu:dirty-bitmap:other"), NbdClientOptions.DEFAULT)) {
            assertEquals(List.of(context), client.metaContexts());
            assertEquals(
                    List.of(
                            new StatusExtent(131072, 0),
                            new StatusExtent(65536, StatusExtent.DIRTY),
                            new StatusExtent(4032 * 1024 - 196608, 0),
                            new StatusExtent(65536, StatusExtent.DIRTY)),
                    client.blockStatus(context, 0, SIZE_BYTES));
            assertThrows(IOException.class, () -> client.blockStatus("qemu:dirty-bitmap:other", 0, 512));
        }
    }

    @Test
    void shouldNameTheErrorsOfAServer() throws Exception {
        for (String replies : List.of("--mask-handshake=3", "--no-sr")) {
            try (OtherServer server = OtherServer.nbdkit(
                            folder,
                            replies,
                            "--filter=error",
                            "memory",
                            "4M",
                            "error-pread=ENOSPC",
                            "error-pread-rate=100%");
                    NbdClient client = connect(server.uri())) {
                NbdException e = assertThrows(NbdException.class, () -> client.read(65536, ByteBuffer.allocate(4096)));

                assertEquals(NbdError.ENOSPC, e.error());
                assertTrue(e.toString().contains("READ of 4096 bytes at 65536 failed: ENOSPC"), e.toString());
                client.write(0, ByteBuffer.allocate(4096), Durability.DURABLE);
            }
            Files.delete(folder.resolve("nbdkit.sock"));
        }
    }

    @Test
    void shouldHaveManyRequestsInFlight() throws Exception {
        try (OtherServer server = OtherServer.nbdkit(folder, "--filter=delay", "memory", "4M", "delay-read=200ms");
                NbdClient client = connect(server.uri())) {
            List<CompletableFuture<Void>> reads = new ArrayList<>();
            for (int i = 0; i < NbdClientOptions.DEFAULT.inFlightMax(); i++) {
                reads.add(client.readAsync(i * 65536L, ByteBuffer.allocate(65536)));
            }

            // All are sent before the first is answered: none waited for another.
            assertTrue(reads.stream().noneMatch(CompletableFuture::isDone));
            CompletableFuture.allOf(reads.toArray(CompletableFuture[]::new)).get();
        }
    }

    @Test
    void shouldFailWhatIsInFlightWhenTheServerDies() throws Exception {
        try (OtherServer server = OtherServer.nbdkit(folder, "--filter=delay", "memory", "4M", "delay-read=60");
                NbdClient client = connect(server.uri())) {
            CompletableFuture<Void> first = client.readAsync(0, ByteBuffer.allocate(512));
            CompletableFuture<Void> second = client.readAsync(0, ByteBuffer.allocate(512));

            server.kill();

            for (CompletableFuture<Void> read : List.of(first, second)) {
                ExecutionException e = assertThrows(ExecutionException.class, read::get);
                assertTrue(e.toString().contains("connection to " + server.uri() + " ended"), e.toString());
            }
            assertThrows(IOException.class, () -> client.read(0, ByteBuffer.allocate(512)));
            assertThrows(IOException.class, client::flush);
        }
    }

    @Test
    void shouldSayWhatIsWrongWithAServer() throws Exception {
        Path nowhere = folder.resolve("nowhere.sock");
        NbdUri uri = new NbdUri(new NbdAddress.Unix(nowhere.toString()), "drive");

        IOException noServer = assertThrows(IOException.class, () -> connect(uri));

        assertTrue(noServer.toString().contains("can't connect to unix:" + nowhere), noServer.toString());
        try (OtherServer server = OtherServer.nbdkit(folder, "file", "dir=" + folder)) {
            NbdUri unknown = new NbdUri(server.uri().address(), "no-such-file");
            IOException noExport = assertThrows(IOException.class, () -> connect(unknown));
            assertTrue(noExport.toString().contains("no-such-file"), noExport.toString());
        }
    }

    @Test
    void shouldRefuseRequestsThatAreTooLong() throws Exception {
        try (OtherServer server = OtherServer.nbdkit(folder, "memory", "100M");
                NbdClient client = connect(server.uri())) {
            ByteBuffer tooLong = ByteBuffer.allocate(NbdClient.REQUEST_BYTES_MAX + 1);
            assertThrows(IllegalArgumentException.class, () -> client.read(0, tooLong));

            client.read(0, tooLong.limit(NbdClient.REQUEST_BYTES_MAX));

            assertEquals(0, tooLong.remaining());
        }
    }

    private static void assertBehavesAsAnArrayOfBytes(NbdClient client) {
        byte[] model = new byte[SIZE_BYTES];
        Seeds.forEach(3, random -> {
            try {
                client.read(0, ByteBuffer.wrap(model));
                for (int step = 0; step < 50; step++) {
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
        int offset = 512 * random.nextInt(SIZE_BYTES / 512);
        int length = Math.min(SIZE_BYTES - offset, 512 * (1 + random.nextInt(1 << random.nextInt(13))));
        switch (random.nextInt(3)) {
            case 0 -> {
                byte[] data = new byte[length];
                random.nextBytes(data);
                client.write(offset, ByteBuffer.wrap(data), Durability.CACHED);
                System.arraycopy(data, 0, model, offset, length);
            }
            case 1 -> {
                client.writeZeroes(offset, length, Durability.DURABLE);
                Arrays.fill(model, offset, offset + length, (byte) 0);
            }
            default -> {
                ByteBuffer read = ByteBuffer.allocateDirect(length);
                client.read(offset, read);
                byte[] bytes = new byte[length];
                read.flip().get(bytes);
                assertArrayEquals(Arrays.copyOfRange(model, offset, offset + length), bytes);
            }
        }
    }

    private static NbdClient connect(NbdUri uri) throws IOException {
        return NbdClient.connect(uri, List.of(StatusExtent.BASE_ALLOCATION), NbdClientOptions.DEFAULT);
    }
}
