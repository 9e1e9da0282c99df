package io.varve.capture.backend.qcow2;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.varve.capture.backend.Backend;
import io.varve.capture.backend.BackendAccess;
import io.varve.capture.backend.RequestFailedException;
import io.varve.capture.backend.ZeroMode;
import io.varve.formats.nbd.NbdError;
import io.varve.formats.nbd.StatusExtent;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.NonWritableChannelException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.FileTime;
import java.util.Arrays;
import java.util.List;
import java.util.SplittableRandom;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.function.Executable;
import org.junit.jupiter.api.io.TempDir;

class Qcow2BackendTest {
    private static final int SIZE_BYTES = 8 << 20;
    private static final int HOLE = StatusExtent.HOLE | StatusExtent.ZERO;

    @TempDir(factory = InMemory.class)
    private Path folder;

    private Path create(String name, String options) {
        return TestImages.create(folder.resolve(name), options, SIZE_BYTES);
    }

    private static Qcow2Backend open(Path image) throws IOException {
        return Qcow2Backend.open(image, BackendAccess.READ_WRITE, BackingRule.REFUSE);
    }

    /** Four threads, each with a stripe of every cluster, so that they meet in all of them. */
    @Test
    void shouldKeepWhatManyThreadsWriteTrimAndFlush() throws Exception {
        Path image = create("parallel.qcow2", "cluster_size=4096");
        byte[] model = new byte[SIZE_BYTES];
        try (Qcow2Backend backend = open(image);
                ExecutorService threads = Executors.newFixedThreadPool(5)) {
            List<Future<?>> writers = List.of(0, 1, 2, 3).stream()
                    .<Future<?>>map(stripe -> threads.submit(() -> {
                        writeStripe(backend, model, stripe);
                        return stripe;
                    }))
                    .toList();
            Future<?> churn = threads.submit(() -> {
                churn(backend);
                return 0;
            });
            for (Future<?> writer : writers) {
                writer.get();
            }
            churn.get();

            assertArrayEquals(
                    Arrays.copyOf(model, SIZE_BYTES / 2), TestImages.read(backend, 0, SIZE_BYTES / 2), "the stripes");
        }
        TestImages.assertClean(image);
    }

    private static void writeStripe(Backend backend, byte[] model, int stripe) throws IOException {
        SplittableRandom random = new SplittableRandom(stripe);
        for (int step = 0; step < 3000; step++) {
            int offset = random.nextInt(SIZE_BYTES / 2 / 4096) * 4096 + stripe * 1024;
            byte[] data = new byte[1024];
            random.nextBytes(data);
            backend.write(offset, ByteBuffer.wrap(data));
            System.arraycopy(data, 0, model, offset, data.length);
            assertArrayEquals(data, TestImages.read(backend, offset, data.length));
        }
    }

    /** Takes and frees clusters all the while, in the drive's other half. */
    private static void churn(Backend backend) throws IOException {
        SplittableRandom random = new SplittableRandom(99);
        for (int step = 0; step < 1000; step++) {
            int offset = SIZE_BYTES / 2 + random.nextInt(SIZE_BYTES / 2 / 4096 - 16) * 4096;
            backend.write(offset, ByteBuffer.wrap(new byte[] {1, 2, 3}));
            backend.trim(offset, 16 * 4096);
            if (step % 10 == 0) {
                backend.flush();
            }
        }
    }

    @Test
    void shouldGrowTheRefcountTable() throws IOException {
        Path image = TestImages.create(folder.resolve("grow.qcow2"), "cluster_size=512", 40L << 20);
        byte[] model = new byte[40 << 20];
        new SplittableRandom(5).nextBytes(model);
        try (Qcow2Backend backend = open(image)) {
            backend.write(0, ByteBuffer.wrap(model));
        }

        TestImages.assertClean(image);
        TestImages.assertHolds(image, model);
    }

    @Test
    void shouldGiveTrimmedSpaceBackAndUseItAgain() throws IOException {
        Path image = create("trim.qcow2", "cluster_size=64k");
        byte[] data = new byte[SIZE_BYTES];
        Arrays.fill(data, (byte) 7);
        try (Qcow2Backend backend = open(image)) {
            backend.write(0, ByteBuffer.wrap(data));
            backend.flush();
            long fullBytes = Files.size(image);
            for (int round = 0; round < 5; round++) {
                backend.trim(0, SIZE_BYTES);
                backend.flush();
                assertEquals(List.of(new StatusExtent(SIZE_BYTES, HOLE)), backend.allocation(0, SIZE_BYTES, 9));
                backend.write(0, ByteBuffer.wrap(data));
                backend.flush();
            }

            assertTrue(Files.size(image) <= 2 * fullBytes, "the file has " + Files.size(image) + " bytes");
        }
        TestImages.assertClean(image);
        TestImages.assertHolds(image, data);
    }

    @Test
    void shouldUnpackACompressedClusterOnceForManySmallReads() throws IOException {
        byte[] content = TestImages.content(new SplittableRandom(7), SIZE_BYTES);
        Path raw = Files.write(folder.resolve("source.raw"), content);
        Path image = folder.resolve("compressed.qcow2");
        TestImages.qemuImg("convert", "-c", "-f", "raw", "-O", "qcow2", raw.toString(), image.toString());
        try (Qcow2Backend backend = Qcow2Backend.open(image, BackendAccess.READ_ONLY, BackingRule.REFUSE)) {
            assertArrayEquals(Arrays.copyOf(content, 512), TestImages.read(backend, 0, 512));
            // Whoever unpacks it again fails from now on.
            Files.write(image, new byte[(int) Files.size(image)]);

            for (int offset = 0; offset < 65_536; offset += 512) {
                assertArrayEquals(
                        Arrays.copyOfRange(content, offset, offset + 512), TestImages.read(backend, offset, 512));
            }
        }
    }

    @Test
    void shouldTellAllocation() throws IOException {
        Path image = create("map.qcow2", "cluster_size=64k");
        try (Qcow2Backend backend = open(image)) {
            backend.write(65_536, ByteBuffer.allocate(131_072));
            backend.zero(65_536, 65_536, ZeroMode.KEEP_ALLOCATED);

            assertEquals(
                    List.of(
                            new StatusExtent(65_536, HOLE),
                            new StatusExtent(65_536, StatusExtent.ZERO),
                            new StatusExtent(65_536, 0),
                            new StatusExtent(SIZE_BYTES - 196_608, HOLE)),
                    backend.allocation(0, SIZE_BYTES, 100));
            assertEquals(List.of(new StatusExtent(65_536, HOLE)), backend.allocation(0, SIZE_BYTES, 1));
        }
        TestImages.assertClean(image);
    }

    @Test
    void shouldKeepBitmapsThatItOnlyReadsBesideAndDropThoseThatItOutdates() throws IOException {
        Path image = create("bitmaps.qcow2", "cluster_size=64k");
        TestImages.qemuImg("bitmap", "--add", "-f", "qcow2", image.toString(), "daily");
        Qcow2Backend.open(image, BackendAccess.READ_ONLY, BackingRule.REFUSE).close();
        open(image).close();
        assertTrue(TestImages.qemuImg("info", "-f", "qcow2", image.toString()).contains("name: daily"));

        try (Qcow2Backend backend = open(image)) {
            backend.write(0, ByteBuffer.allocate(512));
        }

        assertFalse(TestImages.qemuImg("info", "-f", "qcow2", image.toString()).contains("name: daily"));
        TestImages.assertClean(image);
    }

    /** The agent tells by that time whether others changed an image while it was away. */
    @Test
    void shouldNotTouchAFlushedImageWhenItIsClosed() throws IOException {
        Path image = create("closed.qcow2", "cluster_size=64k");
        Qcow2Backend backend = open(image);
        backend.write(0, ByteBuffer.allocate(512));
        backend.flush();
        Files.setLastModifiedTime(image, FileTime.fromMillis(0));

        backend.close();

        assertEquals(FileTime.fromMillis(0), Files.getLastModifiedTime(image));
        TestImages.assertClean(image);
    }

    @Test
    void shouldFailRequestsAfterClose() throws IOException {
        Qcow2Backend backend = open(create("gone.qcow2", "cluster_size=64k"));
        backend.close();
        backend.close();

        List<Executable> requests = List.of(
                () -> TestImages.read(backend, 0, 512),
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
    void shouldRefuseASecondAgentAndWritesWhenReadOnly() throws IOException {
        Path image = create("locked.qcow2", "cluster_size=64k");
        try (Qcow2Backend first = open(image)) {
            IOException second = assertThrows(IOException.class, () -> open(image));
            assertTrue(second.toString().contains("is in use by another process"), second.toString());
            first.flush();
        }
        try (Qcow2Backend backend = Qcow2Backend.open(image, BackendAccess.READ_ONLY, BackingRule.REFUSE)) {
            assertThrows(NonWritableChannelException.class, () -> backend.write(0, ByteBuffer.allocate(512)));
        }
    }
}
