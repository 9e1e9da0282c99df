package io.varve.capture.backend.qcow2;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.varve.capture.backend.Backend;
import io.varve.capture.backend.BackendAccess;
import io.varve.core.Seeds;
import java.io.IOException;
import java.io.RandomAccessFile;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Images that somebody made to harm; the kinds that QEMU's own test 080 has, and more. */
class HostileImagesTest {
    private static final int SIZE_BYTES = 1 << 20;
    private static final int CLUSTER_BYTES = 65_536;
    private static final long HUGE_FILE_BYTES = 1L << 50;

    @TempDir(factory = InMemory.class)
    private Path folder;

    private Path image;
    private byte[] content;

    /** The first cluster is data, the rest isn't there. */
    @BeforeEach
    void makeImage() throws IOException {
        image = TestImages.create(folder.resolve("hostile.qcow2"), "cluster_size=64k", SIZE_BYTES);
        content = new byte[CLUSTER_BYTES];
        Arrays.fill(content, (byte) 5);
        try (Backend backend = open(BackendAccess.READ_WRITE)) {
            backend.write(0, ByteBuffer.wrap(content));
            backend.write(2 * CLUSTER_BYTES, ByteBuffer.wrap(content));
        }
        TestImages.assertClean(image);
    }

    private Qcow2Backend open(BackendAccess access) throws IOException {
        return Qcow2Backend.open(image, access, BackingRule.REFUSE);
    }

    private void putInt(long offsetBytes, int value) throws IOException {
        try (RandomAccessFile file = new RandomAccessFile(image.toFile(), "rw")) {
            file.seek(offsetBytes);
            file.writeInt(value);
        }
    }

    private void putLong(long offsetBytes, long value) throws IOException {
        try (RandomAccessFile file = new RandomAccessFile(image.toFile(), "rw")) {
            file.seek(offsetBytes);
            file.writeLong(value);
        }
    }

    private long getLong(long offsetBytes) throws IOException {
        try (RandomAccessFile file = new RandomAccessFile(image.toFile(), "r")) {
            file.seek(offsetBytes);
            return file.readLong();
        }
    }

    private void setFileBytes(long bytes) throws IOException {
        try (RandomAccessFile file = new RandomAccessFile(image.toFile(), "rw")) {
            file.setLength(bytes);
        }
    }

    private long l1Offset() throws IOException {
        return getLong(40);
    }

    private long l2Offset() throws IOException {
        return getLong(l1Offset()) & 0x00ff_ffff_ffff_fe00L;
    }

    private void assertRefused(String reason) {
        for (BackendAccess access : BackendAccess.values()) {
            IOException e = assertThrows(IOException.class, () -> open(access).close());
            assertTrue(e.toString().contains("image " + image + " "), e.toString());
            assertTrue(e.toString().contains(reason), e.toString());
        }
    }

    private void assertRefusedForWriting(String reason) throws IOException {
        IOException e = assertThrows(
                IOException.class, () -> open(BackendAccess.READ_WRITE).close());
        assertTrue(e.toString().contains("image " + image + " "), e.toString());
        assertTrue(e.toString().contains(reason), e.toString());
        open(BackendAccess.READ_ONLY).close();
    }

    /** The first cluster fails, whatever one does to it, and its neighbour is unharmed. */
    private void assertFirstClusterFails(String reason) throws IOException {
        try (Backend backend = open(BackendAccess.READ_WRITE)) {
            IOException read = assertThrows(IOException.class, () -> TestImages.read(backend, 0, 512));
            assertTrue(read.toString().contains("image " + image + " "), read.toString());
            assertTrue(read.toString().contains(reason), read.toString());
            assertThrows(IOException.class, () -> backend.write(0, ByteBuffer.allocate(512)));
            assertArrayEquals(content, TestImages.read(backend, 2 * CLUSTER_BYTES, CLUSTER_BYTES));
            backend.write(3 * CLUSTER_BYTES, ByteBuffer.wrap(content));
            assertArrayEquals(content, TestImages.read(backend, 3 * CLUSTER_BYTES, CLUSTER_BYTES));
        }
    }

    @Test
    void shouldRefuseAnotherMagic() throws IOException {
        putInt(0, 0x7f454c46);
        assertRefused("isn't a qcow2 image");
    }

    @Test
    void shouldRefuseAnUnknownVersion() throws IOException {
        putInt(4, 4);
        assertRefused("has qcow2 version 4; expected 2 or 3");
    }

    @Test
    void shouldRefuseClusterBits() throws IOException {
        for (int bits : new int[] {0, 8, 22, 64, -1}) {
            putInt(20, bits);
            assertRefused("has cluster bits " + bits + "; expected 9 to 21");
        }
    }

    @Test
    void shouldRefuseHeaderLengths() throws IOException {
        for (int length : new int[] {0, 103, 108, 131_072, -8, Integer.MAX_VALUE}) {
            putInt(100, length);
            assertRefused("has header length " + length);
        }
    }

    @Test
    void shouldRefuseAHugeHeaderExtension() throws IOException {
        putInt(112, 0x12345678);
        putInt(116, Integer.MAX_VALUE);
        assertRefused("has header extension length");
        putInt(116, -1);
        assertRefused("has header extension length");
        // Whatever place the backing file's name has, also one inside the extension.
        for (long offset : new long[] {-1, 116, 0}) {
            putLong(8, offset);
            assertRefused("has ");
        }
    }

    @Test
    void shouldRefuseABackingNameOutsideTheHeadersCluster() throws IOException {
        putInt(16, 10);
        for (long offset : new long[] {1, 100, CLUSTER_BYTES - 9, CLUSTER_BYTES, Long.MAX_VALUE, -1}) {
            putLong(8, offset);
            assertRefused("has backing file offset " + offset);
        }
    }

    @Test
    void shouldRefuseABackingNamesLength() throws IOException {
        putLong(8, 1024);
        for (int length : new int[] {0, 1024, -1, Integer.MAX_VALUE}) {
            putInt(16, length);
            assertRefused("has backing file name length " + length + "; expected 1 to 1023");
        }
    }

    @Test
    void shouldRefuseTheRefcountTablesSize() throws IOException {
        for (int clusters : new int[] {0, 129, 0x7fffffff, -1}) {
            putInt(56, clusters);
            assertRefused("has refcount table clusters " + clusters);
        }
        putInt(56, 128);
        assertRefused("ends too early: the refcount table");
    }

    @Test
    void shouldRefuseTheRefcountTablesPlace() throws IOException {
        for (long offset : new long[] {0, 12_345, -65_536}) {
            putLong(48, offset);
            assertRefused("has refcount table offset " + offset);
        }
        putLong(48, Long.MAX_VALUE & -65_536);
        assertRefused("ends too early: the refcount table");
        putLong(48, l1Offset());
        assertRefused("has the L1 table where the refcount table stands");
    }

    @Test
    void shouldRefuseTheL1TablesSize() throws IOException {
        for (int entries : new int[] {0, -1, 0x7fffffff, (4 << 20) + 1}) {
            putInt(36, entries);
            assertRefused("has L1 entries " + entries);
        }
        putInt(36, 4 << 20);
        assertRefused("ends too early: the L1 table");
    }

    @Test
    void shouldRefuseTheL1TablesPlace() throws IOException {
        for (long offset : new long[] {0, 512, -65_536}) {
            putLong(40, offset);
            assertRefused("has L1 table offset " + offset);
        }
        putLong(40, 1L << 40);
        assertRefused("ends too early: the L1 table at 1099511627776");
    }

    @Test
    void shouldRefuseVirtualSizes() throws IOException {
        for (long size : new long[] {0, -512, 513}) {
            putLong(24, size);
            assertRefused("has virtual size " + size);
        }
        putLong(24, 1L << 62);
        assertRefused("has L1 entries 1; expected 8589934592 for its virtual size");
    }

    @Test
    void shouldRefuseIncompatibleFeatures() throws IOException {
        String[] reasons = {
            "a program that ended while it wrote",
            "a corrupt image",
            "external data file",
            "has compression type 0",
            "extended L2",
            "unknown incompatible features, 0x20"
        };
        for (int bit = 0; bit < reasons.length; bit++) {
            putLong(72, 1L << bit);
            assertRefused(reasons[bit]);
        }
    }

    @Test
    void shouldRefuseEncryptionAndCompressionTypes() throws IOException {
        putInt(32, 2);
        assertRefused("encryption, method 2");
        putInt(32, 0);
        putInt(104, 1 << 24);
        assertRefused("has compression type 1; expected 0 (zlib)");
        putLong(72, 8);
        putInt(104, 2 << 24);
        assertRefused("has compression type 2; expected 1 (zstd)");
    }

    @Test
    void shouldRefuseRefcountOrders() throws IOException {
        putInt(96, 7);
        assertRefused("has refcount order 7");
        putInt(96, 3);
        assertRefusedForWriting("has refcounts of 8 bits, expected 16");
    }

    @Test
    void shouldRefuseTruncatedImages() throws IOException {
        for (long bytes : new long[] {103, 71, 1, 0}) {
            setFileBytes(bytes);
            assertRefused("ends too early: the header needs");
        }
    }

    @Test
    void shouldRefuseAnL1EntryOutsideTheFile() throws IOException {
        long l1 = l1Offset();
        for (long entry : new long[] {1L << 63 | HUGE_FILE_BYTES, 1L << 63, 513 * 512, 1L << 62, 1}) {
            putLong(l1, entry);
            assertRefused(String.format("has 0x%016x as entry 0 of its L1", entry));
        }
    }

    @Test
    void shouldRefuseAnL2TableThatIsTheL1TableOrTheHeader() throws IOException {
        long l1 = l1Offset();
        putLong(l1, 1L << 63 | l1);
        assertRefused("has one of its tables where another stands");
        putLong(l1, 1L << 63 | getLong(48));
        assertRefused("has one of its tables where another stands");
    }

    @Test
    void shouldRefuseToWriteWhereTheRefcountTableRefersToItself() throws IOException {
        long table = getLong(48);
        long block = getLong(table);
        putLong(table, table);
        assertRefusedForWriting("has one of its tables where another stands");
        putLong(table, block + 512);
        assertRefusedForWriting("as entry 0 of its refcount table");
        putLong(table, block);
        putLong(table + 8, block);
        assertRefusedForWriting("has one of its tables where another stands");
    }

    @Test
    void shouldNotTakeClustersOfTablesThatCountAsFree() throws IOException {
        long block = getLong(getLong(48));
        putLong(block, 0);
        putLong(block + 8, 0);
        byte[] before = Files.readAllBytes(image);
        try (Backend backend = open(BackendAccess.READ_WRITE)) {
            IOException e =
                    assertThrows(IOException.class, () -> backend.write(3 * CLUSTER_BYTES, ByteBuffer.allocate(512)));
            assertTrue(e.toString().contains("counts host cluster 0 as free, where its tables stand"), e.toString());
        }
        assertArrayEquals(before, Files.readAllBytes(image));
    }

    @Test
    void shouldFailOnlyTheClusterThatLiesOutsideTheFile() throws IOException {
        for (long entry : new long[] {1L << 63 | HUGE_FILE_BYTES, 0xbfff_ffff_ffff_0000L, 0x8000_00ff_ffff_0000L}) {
            putLong(l2Offset(), entry);
            assertFirstClusterFails(String.format("has the L2 entry 0x%016x for guest offset 0", entry));
        }
    }

    @Test
    void shouldFailOnlyTheClusterThatIsntAligned() throws IOException {
        putLong(l2Offset(), 1L << 63 | 5 * CLUSTER_BYTES + 512);
        assertFirstClusterFails("for guest offset 0");
    }

    @Test
    void shouldFailOnlyTheClusterThatLiesInATable() throws IOException {
        long l2 = l2Offset();
        for (long table : new long[] {l2, l1Offset(), getLong(48), getLong(getLong(48))}) {
            putLong(l2, 1L << 63 | table);
            assertFirstClusterFails("expected a cluster of its own");
        }
    }

    @Test
    void shouldFailOnlyTheClusterWithReservedBits() throws IOException {
        putLong(l2Offset(), getLong(l2Offset()) | 1L << 60);
        assertFirstClusterFails("for guest offset 0");
    }

    @Test
    void shouldFailOnlyTheCompressedClusterThatCantBeUnpacked() throws IOException {
        // 4 sectors of the other cluster's bytes, which are no deflate stream.
        putLong(l2Offset(), 1L << 62 | 3L << 54 | (getLong(l2Offset() + 16) & 0x00ff_ffff_ffff_fe00L));
        assertFirstClusterFails("has a compressed cluster for guest offset 0");
        putLong(l2Offset(), 1L << 62 | 255L << 54 | 1L << 50);
        assertFirstClusterFails("for guest offset 0");
        putLong(l2Offset(), 1L << 62);
        assertFirstClusterFails("for guest offset 0");
    }

    @Test
    void shouldFailOnlyTheClusterThatWasCutOff() throws IOException {
        setFileBytes(getLong(l2Offset() + 16) & 0x00ff_ffff_ffff_fe00L);
        try (Backend backend = open(BackendAccess.READ_WRITE)) {
            assertThrows(IOException.class, () -> TestImages.read(backend, 2 * CLUSTER_BYTES, 512));
            assertArrayEquals(content, TestImages.read(backend, 0, CLUSTER_BYTES));
        }
    }

    /** Whatever stands in the tables: an error in time, or bytes. */
    @Test
    void shouldSurviveRandomBytesInItsMetadata() throws IOException {
        byte[] good = Files.readAllBytes(image);
        Seeds.forEach(300, random -> {
            try {
                byte[] bad = good.clone();
                for (int poke = 1 + random.nextInt(4); poke > 0; poke--) {
                    int place = random.nextBoolean() ? random.nextInt(128) : random.nextInt(bad.length / 64) * 64;
                    bad[place + random.nextInt(8)] = (byte) random.nextInt(256);
                }
                Files.write(image, bad);
                try (Backend backend = open(BackendAccess.READ_WRITE)) {
                    use(backend);
                }
            } catch (IOException e) {
                assertTrue(String.valueOf(e.getMessage()).contains("image "), e.toString());
            }
        });
    }

    private static void use(Backend backend) throws IOException {
        int bytes = (int) Math.min(SIZE_BYTES, backend.sizeBytes());
        byte[] _ = TestImages.read(backend, 0, bytes);
        backend.write(0, ByteBuffer.allocate(Math.min(bytes, 3 * CLUSTER_BYTES)));
        backend.trim(0, bytes);
        backend.flush();
    }
}
