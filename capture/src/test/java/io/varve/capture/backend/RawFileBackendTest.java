package io.varve.capture.backend;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.varve.core.Seeds;
import io.varve.core.Tool;
import io.varve.formats.nbd.NbdError;
import io.varve.formats.nbd.StatusExtent;
import java.io.EOFException;
import java.io.IOException;
import java.io.RandomAccessFile;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.channels.NonWritableChannelException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.function.Executable;
import org.junit.jupiter.api.io.TempDir;

class RawFileBackendTest {
    private static final int SIZE_BYTES = 1 << 20;

    @TempDir
    private Path folder;

    @Test
    void shouldBehaveAsAnArrayOfBytes() {
        Seeds.forEach(10, random -> {
            Path image = image("model-" + random.nextLong() + ".raw", SIZE_BYTES);
            byte[] model = new byte[SIZE_BYTES];
            try (RawFileBackend backend = RawFileBackend.open(image, BackendAccess.READ_WRITE)) {
                for (int step = 0; step < 100; step++) {
                    step(backend, model, random);
                }
                assertArrayEquals(model, read(backend, 0, SIZE_BYTES));
                backend.flush();
                assertArrayEquals(model, Files.readAllBytes(image));
            } catch (IOException e) {
                throw new UncheckedIOException(e);
            }
        });
    }

    private static void step(Backend backend, byte[] model, SplittableRandom random) throws IOException {
        int offset = random.nextInt(SIZE_BYTES);
        int length = 1 + random.nextInt(Math.min(1 << random.nextInt(21), SIZE_BYTES - offset));
        if (random.nextInt(3) == 0) {
            ZeroMode mode = List.of(ZeroMode.values()).get(random.nextInt(2));
            backend.zero(offset, length, mode);
            Arrays.fill(model, offset, offset + length, (byte) 0);
        } else if (random.nextInt(3) == 0) {
            assertArrayEquals(Arrays.copyOfRange(model, offset, offset + length), read(backend, offset, length));
        } else {
            byte[] data = new byte[length];
            random.nextBytes(data);
            backend.write(offset, ByteBuffer.wrap(data));
            System.arraycopy(data, 0, model, offset, length);
        }
        assertCovers(backend.allocation(offset, length, Integer.MAX_VALUE), length);
    }

    private static void assertCovers(List<StatusExtent> extents, long lengthBytes) {
        assertEquals(
                lengthBytes,
                extents.stream().mapToLong(StatusExtent::lengthBytes).sum());
    }

    @Test
    void shouldTellHolesAndGiveSpaceBack() throws IOException {
        int hole = StatusExtent.HOLE | StatusExtent.ZERO;
        try (RawFileBackend backend = RawFileBackend.open(image("holes.raw", SIZE_BYTES), BackendAccess.READ_WRITE)) {
            backend.write(65536, ByteBuffer.allocate(131072));

            assertEquals(
                    List.of(
                            new StatusExtent(65536, hole),
                            new StatusExtent(131072, 0),
                            new StatusExtent(SIZE_BYTES - 196608, hole)),
                    backend.allocation(0, SIZE_BYTES, 100));
            assertEquals(List.of(new StatusExtent(4096, 0)), backend.allocation(69632, 4096, 100));
            assertEquals(List.of(new StatusExtent(65536, hole)), backend.allocation(0, SIZE_BYTES, 1));
            assertEquals(65536, backend.zeroBytes(0, SIZE_BYTES));
            assertEquals(512, backend.zeroBytes(0, 512));
            assertEquals(0, backend.zeroBytes(69632, 4096));

            backend.trim(65536, 131072);

            assertEquals(List.of(new StatusExtent(SIZE_BYTES, hole)), backend.allocation(0, SIZE_BYTES, 100));
        }
    }

    @Test
    void shouldRefuseASecondAgent() throws IOException {
        Path image = image("locked.raw", SIZE_BYTES);
        try (RawFileBackend first = RawFileBackend.open(image, BackendAccess.READ_WRITE)) {
            IOException second =
                    assertThrows(IOException.class, () -> RawFileBackend.open(image, BackendAccess.READ_WRITE));

            assertTrue(
                    second.toString().contains("image " + image + " is in use by another process"), second.toString());
            first.flush();
        }
        RawFileBackend.open(image, BackendAccess.READ_WRITE).close();
    }

    @Test
    void shouldKeepQemuFromWritingUntilItIsClosed() throws Exception {
        Path image = image("locked.raw", SIZE_BYTES);
        String[] write = {"qemu-io", "-f", "raw", image.toString(), "-c", "write -P 9 0 64k"};
        try (RawFileBackend backend = RawFileBackend.open(image, BackendAccess.READ_WRITE)) {
            // A lock of POSIX's older kind would end here, with any other stream on the file.
            try (RandomAccessFile other = new RandomAccessFile(image.toFile(), "r")) {
                assertEquals(0, other.read());
            }

            Tool.Result refused = Tool.run(write);

            assertNotEquals(0, refused.exitCode());
            assertTrue(refused.output().contains("Failed to get"), refused.output());
            assertArrayEquals(new byte[65536], read(backend, 0, 65536));
        }
        Tool.run(write).success();
    }

    @Test
    void shouldRefuseAnImageThatQemuWritesTo() throws Exception {
        Path image = image("in-qemu.raw", SIZE_BYTES);
        Process qemu = new ProcessBuilder("qemu-io", "-f", "raw", image.toString()).start();
        // It answers once it has the image, and its lock.
        qemu.outputWriter().write("length\n");
        qemu.outputWriter().flush();
        assertTrue(qemu.getInputStream().read() >= 0);
        try {
            IOException refused =
                    assertThrows(IOException.class, () -> RawFileBackend.open(image, BackendAccess.READ_WRITE));

            assertTrue(refused.toString().contains("is in use by another process"), refused.toString());
        } finally {
            qemu.destroyForcibly().waitFor();
        }
    }

    @Test
    void shouldSayWhatIsWrongWithAnImage() throws IOException {
        assertRefused(folder.resolve("nothing.raw"), "doesn't exist");
        assertRefused(folder, "is a directory");
        assertRefused(image("odd.raw", 1000), "has 1000 bytes, expected a positive multiple of 512");
        assertRefused(image("empty.raw", 0), "has 0 bytes");
    }

    private static void assertRefused(Path image, String reason) {
        IOException e = assertThrows(IOException.class, () -> RawFileBackend.open(image, BackendAccess.READ_WRITE));
        assertTrue(e.toString().contains("image " + image + " " + reason), e.toString());
    }

    @Test
    void shouldReadAtOnceWhatWasJustWritten() throws IOException {
        try (RawFileBackend backend = RawFileBackend.open(image("cached.raw", SIZE_BYTES), BackendAccess.READ_WRITE)) {
            ByteBuffer data = ByteBuffer.allocateDirect(8192);
            for (int i = 0; i < data.capacity(); i++) {
                data.put(i, (byte) (i * 31));
            }
            backend.write(4096, data.duplicate());
            ByteBuffer into = ByteBuffer.allocateDirect(16384).position(512).limit(512 + 8192);

            boolean read = backend.readAtOnce(4096, into);

            // A page that was reclaimed meanwhile would be read by the way that waits.
            if (!read) {
                backend.read(4096, into.position(512));
            }
            assertEquals(0, into.remaining());
            assertEquals(data, into.slice(512, 8192));
        }
    }

    @Test
    void shouldNotReadAtOnceBeyondTheEndOfATruncatedImage() throws IOException {
        Path image = image("cut.raw", SIZE_BYTES);
        try (RawFileBackend backend = RawFileBackend.open(image, BackendAccess.READ_WRITE)) {
            try (RandomAccessFile file = new RandomAccessFile(image.toFile(), "rw")) {
                file.setLength(4096);
            }

            // In memory it's found out at once, elsewhere by the read that waits.
            try {
                assertFalse(backend.readAtOnce(8192, ByteBuffer.allocateDirect(4096)));
            } catch (EOFException e) {
                assertTrue(e.toString().contains("was it truncated?"), e.toString());
            }
        }
    }

    @Test
    void shouldSayThatTheImageWasTruncated() throws IOException {
        Path image = image("short.raw", SIZE_BYTES);
        try (RawFileBackend backend = RawFileBackend.open(image, BackendAccess.READ_WRITE);
                RandomAccessFile file = new RandomAccessFile(image.toFile(), "rw")) {
            file.setLength(512);

            IOException e = assertThrows(IOException.class, () -> read(backend, 0, 4096));

            assertTrue(e.toString().contains("ends at 512 bytes, expected " + SIZE_BYTES), e.toString());
        }
    }

    @Test
    void shouldFailRequestsAfterClose() throws IOException {
        RawFileBackend backend = RawFileBackend.open(image("closed.raw", SIZE_BYTES), BackendAccess.READ_WRITE);
        backend.close();
        backend.close();

        List<Executable> requests = List.of(
                () -> read(backend, 0, 512),
                () -> backend.write(0, ByteBuffer.allocate(512)),
                () -> backend.zero(0, 512, ZeroMode.MAY_PUNCH),
                () -> backend.trim(0, 512),
                backend::flush,
                () -> backend.allocation(0, 512, 1));

        for (Executable request : requests) {
            RequestFailedException e = assertThrows(RequestFailedException.class, request);
            assertEquals(NbdError.ESHUTDOWN, e.error());
        }
    }

    @Test
    void shouldNotWriteThroughAReadOnlyBackend() throws IOException {
        try (RawFileBackend backend = RawFileBackend.open(image("fixed.raw", SIZE_BYTES), BackendAccess.READ_ONLY)) {
            assertArrayEquals(new byte[512], read(backend, 0, 512));
            assertThrows(NonWritableChannelException.class, () -> backend.write(0, ByteBuffer.allocate(512)));
        }
    }

    private Path image(String name, long sizeBytes) {
        Path image = folder.resolve(name);
        try (RandomAccessFile file = new RandomAccessFile(image.toFile(), "rw")) {
            file.setLength(sizeBytes);
            return image;
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private static byte[] read(Backend backend, long offsetBytes, int lengthBytes) throws IOException {
        byte[] bytes = new byte[lengthBytes];
        backend.read(offsetBytes, ByteBuffer.wrap(bytes));
        return bytes;
    }
}
