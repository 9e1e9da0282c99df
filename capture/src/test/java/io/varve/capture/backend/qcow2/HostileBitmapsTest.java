package io.varve.capture.backend.qcow2;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.varve.capture.backend.BackendAccess;
import io.varve.capture.backend.qcow2.BitmapOutcome.Done;
import io.varve.capture.backend.qcow2.BitmapOutcome.Refused;
import io.varve.core.Seeds;
import io.varve.core.bits.HierarchicalBitSet;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Bitmaps in an image that somebody made to harm: refused with a reason, and the drive's content is unharmed. */
class HostileBitmapsTest {
    private static final int SIZE_BYTES = 1 << 20;
    private static final int CLUSTER_BYTES = 65_536;
    private static final int EXTENSION = 0x23852875;

    @TempDir(factory = InMemory.class)
    private Path folder;

    private Path image;
    private byte[] good;
    private int extension;
    private int directory;
    private int table;

    /** Two bitmaps, of which the first has a cluster of bits. */
    @BeforeEach
    void makeImage() throws IOException {
        image = TestImages.create(folder.resolve("hostile.qcow2"), "cluster_size=64k", SIZE_BYTES);
        TestImages.qemuImg("bitmap", "--add", "-f", "qcow2", image.toString(), "daily");
        TestImages.qemuImg("bitmap", "--add", "-f", "qcow2", image.toString(), "other");
        TestImages.qemuIo(image, "write -P 5 0 64k");
        good = Files.readAllBytes(image);
        ByteBuffer bytes = ByteBuffer.wrap(good);
        extension = 112;
        while (bytes.getInt(extension) != EXTENSION) {
            extension += 8 + (bytes.getInt(extension + 4) + 7) / 8 * 8;
        }
        directory = (int) bytes.getLong(extension + 24);
        table = (int) bytes.getLong(directory);
        assertEquals(1, bytes.getInt(directory + 8));
    }

    private interface Poke {
        void into(ByteBuffer bytes);
    }

    private void poke(Poke poke) throws IOException {
        byte[] bad = good.clone();
        poke.into(ByteBuffer.wrap(bad));
        Files.write(image, bad);
    }

    private Qcow2Backend open() throws IOException {
        return Qcow2Backend.open(image, BackendAccess.READ_WRITE, BackingRule.REFUSE);
    }

    private void assertImageRefused(String reason, Poke poke) throws IOException {
        poke(poke);
        IOException e = assertThrows(IOException.class, () -> open().close());
        assertTrue(e.toString().contains("image " + image + " " + reason), e.toString());
    }

    /** The bitmaps are refused and the drive is usable; its first change drops them. */
    private void assertBitmapsRefused(String reason, Poke poke) throws IOException {
        poke(poke);
        try (Qcow2Backend backend = open()) {
            Refused<?> refused = assertInstanceOf(Refused.class, backend.loadBitmaps());
            assertTrue(refused.reason().contains("image " + image + " "), refused.reason());
            assertTrue(refused.reason().contains(reason), refused.reason());
            assertInstanceOf(Refused.class, backend.storeBitmaps(List.of()));
            assertInstanceOf(Refused.class, backend.removeBitmap("daily"));

            backend.write(CLUSTER_BYTES, ByteBuffer.allocate(512));
            backend.flush();
            assertEquals(new Done<>(List.of()), backend.loadBitmaps());
            byte[] content = new byte[CLUSTER_BYTES];
            Arrays.fill(content, (byte) 5);
            assertArrayEquals(content, TestImages.read(backend, 0, CLUSTER_BYTES));
        }
        TestImages.qemuImg("check", "-q", "-r", "leaks", "-f", "qcow2", image.toString());
        TestImages.assertClean(image);
    }

    @Test
    void shouldRefuseExtensionsThatCantBe() throws IOException {
        assertImageRefused("has bitmaps extension length 16", bytes -> bytes.putInt(extension + 4, 16));
        for (int count : new int[] {0, 65_536, -1}) {
            assertImageRefused("has bitmaps in the header " + count, bytes -> bytes.putInt(extension + 8, count));
        }
        assertImageRefused("has reserved field", bytes -> bytes.putInt(extension + 12, 1));
        for (long size : new long[] {0, 23, 65_535L * 1024 + 1, -1, Long.MAX_VALUE}) {
            assertImageRefused("has bitmap directory bytes " + size, bytes -> bytes.putLong(extension + 16, size));
        }
        for (long offset : new long[] {0, 512, -65_536}) {
            assertImageRefused("has bitmap directory offset " + offset, bytes -> bytes.putLong(extension + 24, offset));
        }
        assertImageRefused("ends too early: the bitmap directory at", bytes -> bytes.putLong(extension + 24, 1L << 50));
    }

    @Test
    void shouldRefuseEntriesThatCantBe() throws IOException {
        assertBitmapsRefused("a bitmap of type 2", bytes -> bytes.put(directory + 16, (byte) 2));
        for (int flags : new int[] {4, 8, -1}) {
            assertBitmapsRefused("with flags 0x", bytes -> bytes.putInt(directory + 12, flags));
        }
        for (int extra : new int[] {8, -1, Integer.MAX_VALUE}) {
            assertBitmapsRefused("bytes of extra data", bytes -> bytes.putInt(directory + 20, extra));
        }
        for (short name : new short[] {0, 1024, -1}) {
            assertBitmapsRefused("has a bitmap's name length", bytes -> bytes.putShort(directory + 18, name));
        }
        assertBitmapsRefused("ends too early: a bitmap's entry", bytes -> bytes.putShort(directory + 18, (short) 999));
        for (int bits : new int[] {8, 32, 255}) {
            assertBitmapsRefused(
                    "has a bitmap's granularity bits " + bits, bytes -> bytes.put(directory + 17, (byte) bits));
        }
        for (int entries : new int[] {0, 2, 8193, -1}) {
            assertBitmapsRefused("has a bitmap's table entries", bytes -> bytes.putInt(directory + 8, entries));
        }
        for (long offset : new long[] {0, 512, -65_536}) {
            assertBitmapsRefused("has a bitmap's table offset", bytes -> bytes.putLong(directory, offset));
        }
        assertBitmapsRefused("ends too early: a bitmap's table", bytes -> bytes.putLong(directory, 1L << 50));
        assertBitmapsRefused("whose name isn't", bytes -> bytes.put(directory + 24, (byte) 0xff));
        assertBitmapsRefused(
                "whose name isn't", bytes -> bytes.put(directory + 32 + 24, "daily".getBytes(StandardCharsets.UTF_8)));
    }

    @Test
    void shouldRefuseTooManyAndTooFewEntries() throws IOException {
        assertBitmapsRefused("3 by its header", bytes -> bytes.putInt(extension + 8, 3));
        assertBitmapsRefused("1 by its header", bytes -> bytes.putInt(extension + 8, 1));
    }

    @Test
    void shouldRefuseTablesThatPointAnywhere() throws IOException {
        for (long entry : new long[] {2, 1L << 63, table | 1, 512, 1L << 50}) {
            assertBitmapsRefused("as entry 0 of the bitmap 'daily'", bytes -> bytes.putLong(table, entry));
        }
        long l1 = ByteBuffer.wrap(good).getLong(40);
        assertBitmapsRefused("as entry 0 of the bitmap 'daily'", bytes -> bytes.putLong(table, l1));
        assertBitmapsRefused("bitmaps that share the cluster", bytes -> bytes.putLong(table, table));
        assertBitmapsRefused("bitmaps that share the cluster", bytes -> bytes.putLong(directory + 32, table));
    }

    @Test
    void shouldIgnoreBitsBehindTheDrivesEnd() throws IOException {
        long bits = ByteBuffer.wrap(good).getLong(table);
        poke(bytes -> bytes.putLong((int) bits, -1).putLong((int) bits + 8, -1));
        try (Qcow2Backend backend = open()) {
            assertInstanceOf(Done.class, backend.loadBitmaps());
            var read = assertInstanceOf(Done.class, backend.readBitmap("daily"));
            assertEquals(16, ((HierarchicalBitSet) read.value()).cardinality());
        }
    }

    /** Whatever stands there: a reason, an error, or bitmaps. */
    @Test
    void shouldSurviveRandomBytesInItsBitmaps() {
        Seeds.forEach(300, random -> {
            try {
                poke(bytes -> {
                    for (int poke = 1 + random.nextInt(4); poke > 0; poke--) {
                        int[] places = {extension, directory, directory + 32, table};
                        bytes.put(
                                places[random.nextInt(places.length)] + random.nextInt(32), (byte) random.nextInt(256));
                    }
                });
                try (Qcow2Backend backend = open()) {
                    use(backend);
                }
            } catch (IOException e) {
                assertTrue(String.valueOf(e.getMessage()).contains("image "), e.toString());
            }
        });
    }

    private static void use(Qcow2Backend backend) throws IOException {
        if (backend.loadBitmaps() instanceof Done<List<StoredBitmap>>(List<StoredBitmap> bitmaps)) {
            for (StoredBitmap bitmap : bitmaps) {
                BitmapOutcome<HierarchicalBitSet> _ = backend.readBitmap(bitmap.name());
            }
        }
        backend.write(0, ByteBuffer.allocate(512));
        BitmapOutcome<List<StoredBitmap>> _ = backend.storeBitmaps(List.of());
        backend.flush();
    }
}
