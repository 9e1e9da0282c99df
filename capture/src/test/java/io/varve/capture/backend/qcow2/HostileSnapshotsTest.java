package io.varve.capture.backend.qcow2;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.varve.capture.backend.Backend;
import io.varve.capture.backend.BackendAccess;
import java.io.IOException;
import java.io.RandomAccessFile;
import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.util.Arrays;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * Images with internal snapshots that somebody made to harm, the kinds of QEMU's own test 080: Varve never follows a
 * snapshot's table, and writes to no image that has one.
 */
class HostileSnapshotsTest {
    private static final int SIZE_BYTES = 1 << 20;
    private static final int CONTENT_BYTES = 65_536;
    private static final int SNAPSHOTS_OFFSET = 60;
    private static final int SNAPSHOT_TABLE_OFFSET = 64;
    private static final int L1_ENTRIES_OFFSET = 36;
    private static final int L1_SIZE_IN_SNAPSHOT = 8;

    @TempDir(factory = InMemory.class)
    private Path folder;

    private Path image;
    private byte[] content;

    @BeforeEach
    void makeImage() throws IOException {
        image = TestImages.create(folder.resolve("hostile.qcow2"), "cluster_size=64k", SIZE_BYTES);
        content = new byte[CONTENT_BYTES];
        Arrays.fill(content, (byte) 5);
        try (Backend backend = Qcow2Backend.open(image, BackendAccess.READ_WRITE, BackingRule.REFUSE)) {
            backend.write(0, ByteBuffer.wrap(content));
        }
    }

    private void put(long offsetBytes, byte[] bytes) throws IOException {
        try (RandomAccessFile file = new RandomAccessFile(image.toFile(), "rw")) {
            file.seek(offsetBytes);
            file.write(bytes);
        }
    }

    private void putLong(long offsetBytes, long value) throws IOException {
        put(offsetBytes, ByteBuffer.allocate(Long.BYTES).putLong(value).array());
    }

    private void putInt(long offsetBytes, int value) throws IOException {
        put(offsetBytes, ByteBuffer.allocate(Integer.BYTES).putInt(value).array());
    }

    private long snapshot() throws IOException {
        try (RandomAccessFile file = new RandomAccessFile(image.toFile(), "r")) {
            file.seek(SNAPSHOT_TABLE_OFFSET);
            return file.readLong();
        }
    }

    private void assertReadable() throws IOException {
        try (Backend backend = Qcow2Backend.open(image, BackendAccess.READ_ONLY, BackingRule.REFUSE)) {
            assertArrayEquals(content, TestImages.read(backend, 0, CONTENT_BYTES));
        }
    }

    private void assertRefused(String reason) {
        for (BackendAccess access : BackendAccess.values()) {
            assertRefused(access, reason);
        }
    }

    private void assertRefused(BackendAccess access, String reason) {
        IOException e = assertThrows(
                IOException.class,
                () -> Qcow2Backend.open(image, access, BackingRule.REFUSE).close());
        assertTrue(e.toString().contains("image " + image + " " + reason), e.toString());
    }

    @Test
    void shouldRefuseSnapshotTables() throws IOException {
        for (int count : new int[] {-1, 65_537, Integer.MAX_VALUE}) {
            putInt(SNAPSHOTS_OFFSET, count);
            assertRefused("has internal snapshots " + count);
        }
        putInt(SNAPSHOTS_OFFSET, 1);
        for (long offset : new long[] {0, 65_537, 1L << 60, -8, -65_536}) {
            putLong(SNAPSHOT_TABLE_OFFSET, offset);
            assertRefused("has snapshot table offset " + offset);
        }
    }

    @Test
    void shouldReadBesideASnapshotWhoseL1TableLiesAnywhere() throws IOException {
        TestImages.qemuImg("snapshot", "-c", "test", image.toString());
        for (long offset : new long[] {0x400_200, -1, Long.MAX_VALUE}) {
            putLong(snapshot(), offset);
            assertReadable();
            assertRefused(BackendAccess.READ_WRITE, "has 1 internal snapshots, expected none");
        }
    }

    @Test
    void shouldReadBesideASnapshotWhoseL1TableIsHuge() throws IOException {
        TestImages.qemuImg("snapshot", "-c", "test", image.toString());
        for (int entries : new int[] {0x1000_0000, -1}) {
            putInt(snapshot() + L1_SIZE_IN_SNAPSHOT, entries);
            assertReadable();
            assertRefused(BackendAccess.READ_WRITE, "has 1 internal snapshots, expected none");
        }
    }

    @Test
    void shouldRefuseAnImageWithASnapshotAndWithoutAnL1Table() throws IOException {
        TestImages.qemuImg("snapshot", "-c", "test", image.toString());
        putInt(L1_ENTRIES_OFFSET, 0);
        assertRefused("has L1 entries 0");
    }

    @Test
    void shouldRefuseToWriteToAnImageWithAsManySnapshotsAsThereMayBe() throws IOException {
        putLong(SNAPSHOT_TABLE_OFFSET, CONTENT_BYTES);
        putInt(SNAPSHOTS_OFFSET, 65_536);
        assertReadable();
        assertRefused(BackendAccess.READ_WRITE, "has 65536 internal snapshots, expected none");
    }

    @Test
    void shouldIgnoreTheTableOfNoSnapshots() throws IOException {
        putLong(SNAPSHOT_TABLE_OFFSET, 0x1234_5678_90ab_cdefL);
        assertReadable();
        Qcow2Backend.open(image, BackendAccess.READ_WRITE, BackingRule.REFUSE).close();
    }
}
