package io.varve.transfer.source;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.varve.core.Tool;
import io.varve.core.bits.Extent;
import io.varve.core.bits.Granularity;
import io.varve.core.bits.Marks;
import io.varve.core.id.BitmapName;
import io.varve.formats.nbd.NbdUri;
import io.varve.transfer.nbd.NoSuchExportException;
import io.varve.transfer.nbd.OtherServer;
import java.io.IOException;
import java.io.RandomAccessFile;
import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** Snapshots served by the real qemu-nbd. */
@Timeout(60)
class NbdClusterSourceTest {
    private static final int SIZE_BYTES = 8 << 20;
    private static final int READ_BYTES = 512 << 10;
    private static final BitmapName BITMAP = new BitmapName("bitmap0");

    @TempDir
    private Path folder;

    private Path raw;

    @BeforeEach
    void write() throws Exception {
        raw = folder.resolve("disk.raw");
        try (RandomAccessFile file = new RandomAccessFile(raw.toFile(), "rw")) {
            file.setLength(SIZE_BYTES);
        }
        Tool.run("qemu-io", "-f", "raw", raw.toString(), "-c", "write -P 3 1M 2M")
                .success();
    }

    @Test
    void shouldReadManyRangesAtOnceOverSeveralConnections() throws Exception {
        try (OtherServer server = OtherServer.qemuNbd(folder, "d", "-r", "-e", "4", "-f", "raw", raw.toString());
                NbdClusterSource source = open(server.uri(), Duration.ofSeconds(30))) {
            byte[] expected = new byte[SIZE_BYTES];
            Arrays.fill(expected, 1 << 20, 3 << 20, (byte) 3);
            byte[] read = new byte[SIZE_BYTES];
            List<CompletableFuture<Void>> reads = new ArrayList<>();
            for (int offset = 0; offset < SIZE_BYTES; offset += READ_BYTES) {
                reads.add(source.read(offset, ByteBuffer.wrap(read, offset, READ_BYTES)));
            }
            CompletableFuture.allOf(reads.toArray(CompletableFuture[]::new)).get();

            assertArrayEquals(expected, read);
            assertEquals(2, source.connections());
            assertEquals(SIZE_BYTES, source.sizeBytes());
            assertEquals(
                    List.of(new Extent(0, 1 << 20), new Extent(3 << 20, 5 << 20)),
                    source.zeros(new Extent(0, SIZE_BYTES)));
            assertEquals(Optional.empty(), source.serverError());
        }
    }

    @Test
    void shouldReadTheCutFromABitmap() throws Exception {
        Path image = folder.resolve("disk.qcow2");
        Tool.run("qemu-img", "create", "-f", "qcow2", image.toString(), "8M").success();
        Tool.run("qemu-img", "bitmap", "--add", "-g", "64k", image.toString(), "bitmap0")
                .success();
        Tool.run("qemu-io", "-f", "qcow2", image.toString(), "-c", "write -P 3 128k 4k", "-c", "write -P 3 8128k 64k")
                .success();
        Marks expected = Marks.none(Granularity.DEFAULT, SIZE_BYTES);
        expected.mark(128 << 10, 1);
        expected.mark(8128 << 10, 1);
        try (OtherServer server =
                        OtherServer.qemuNbd(folder, "d", "-r", "-f", "qcow2", "-B", "bitmap0", image.toString());
                NbdClusterSource source =
                        NbdClusterSource.open(server.uri(), Optional.of(BITMAP), NbdSourceOptions.DEFAULT)) {
            Marks found = source.dirty(BITMAP, Granularity.DEFAULT).orElseThrow();

            assertEquals(expected.digest(), found.digest());
            assertTrue(
                    source.dirty(new BitmapName("other"), Granularity.DEFAULT).isEmpty());
        }
    }

    @Test
    void shouldTellAnExportThatIsNotThereFromAServerThatIsNot() throws Exception {
        try (OtherServer server = OtherServer.qemuNbd(folder, "d", "-r", "-f", "raw", raw.toString())) {
            NbdUri other = new NbdUri(server.uri().address(), "gone");
            NoSuchExportException gone =
                    assertThrows(NoSuchExportException.class, () -> open(other, Duration.ofSeconds(30)));
            assertTrue(gone.toString().contains("no export 'gone'"), gone.toString());

            server.kill();
            server.close();
            IOException away = assertThrows(IOException.class, () -> open(server.uri(), Duration.ofSeconds(30)));
            assertTrue(away.toString().contains("is the server up?"), away.toString());
        }
    }

    @Test
    void shouldEndEveryReadWhenTheServerDies() throws Exception {
        try (OtherServer server = OtherServer.qemuNbd(folder, "d", "-r", "-e", "4", "-f", "raw", raw.toString());
                NbdClusterSource source = open(server.uri(), Duration.ofSeconds(30))) {
            server.pause();
            List<CompletableFuture<Void>> reads = readAll(source);

            server.kill();

            reads.forEach(read -> assertFails(read, "connection to"));
            assertFails(source.read(0, ByteBuffer.allocate(512)), "connection to");
            assertEquals(Optional.empty(), source.serverError());
        }
    }

    @Test
    void shouldEndEveryReadWhenTheServerSaysNothing() throws Exception {
        try (OtherServer server = OtherServer.qemuNbd(folder, "d", "-r", "-e", "4", "-f", "raw", raw.toString());
                NbdClusterSource source = open(server.uri(), Duration.ofMillis(400))) {
            server.pause();

            readAll(source).forEach(read -> assertFails(read, "answered nothing for PT0.4S"));
            assertThrows(IOException.class, () -> source.zeros(new Extent(0, SIZE_BYTES)));
        }
    }

    private static List<CompletableFuture<Void>> readAll(NbdClusterSource source) {
        List<CompletableFuture<Void>> reads = new ArrayList<>();
        for (int offset = 0; offset < SIZE_BYTES; offset += READ_BYTES) {
            reads.add(source.read(offset, ByteBuffer.allocate(READ_BYTES)));
        }
        return reads;
    }

    private static void assertFails(CompletableFuture<Void> read, String reason) {
        ExecutionException e = assertThrows(ExecutionException.class, read::get);
        IOException cause = assertInstanceOf(IOException.class, e.getCause());
        assertTrue(cause.toString().contains(reason), cause.toString());
    }

    private static NbdClusterSource open(NbdUri uri, Duration stallTimeout) throws IOException {
        return NbdClusterSource.open(
                uri, Optional.empty(), new NbdSourceOptions(2, Duration.ofSeconds(10), stallTimeout));
    }
}
