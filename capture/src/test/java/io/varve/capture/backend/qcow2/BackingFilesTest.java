package io.varve.capture.backend.qcow2;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.varve.capture.backend.Backend;
import io.varve.capture.backend.BackendAccess;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.util.Arrays;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Backing files: followed when somebody asks for it, as far as they're what the image above says. */
class BackingFilesTest {
    private static final int SIZE_BYTES = 1 << 20;
    private static final int CLUSTER_BYTES = 65_536;

    @TempDir(factory = InMemory.class)
    private Path folder;

    private Path image;
    private byte[] content;

    @BeforeEach
    void makeImage() throws IOException {
        image = TestImages.create(folder.resolve("base.qcow2"), "cluster_size=64k", SIZE_BYTES);
        content = new byte[CLUSTER_BYTES];
        Arrays.fill(content, (byte) 5);
        try (Backend backend = Qcow2Backend.open(image, BackendAccess.READ_WRITE, BackingRule.REFUSE)) {
            backend.write(0, ByteBuffer.wrap(content));
        }
    }

    @Test
    void shouldRefuseBackingFilesUnlessAskedFor() throws IOException {
        Path above = folder.resolve("above.qcow2");
        TestImages.create(above, "backing_file=base.qcow2,backing_fmt=qcow2", SIZE_BYTES);

        IOException refused = assertThrows(
                IOException.class, () -> Qcow2Backend.open(above, BackendAccess.READ_WRITE, BackingRule.REFUSE));
        assertTrue(refused.toString().contains("has the backing file 'base.qcow2', which isn't followed"));
        try (Backend backend = Qcow2Backend.open(above, BackendAccess.READ_WRITE, BackingRule.FOLLOW)) {
            assertArrayEquals(content, TestImages.read(backend, 0, CLUSTER_BYTES));
        }
    }

    @Test
    void shouldRefuseALoopOfBackingFiles() throws IOException {
        Path above = folder.resolve("loop.qcow2");
        TestImages.create(above, "backing_file=base.qcow2,backing_fmt=qcow2", SIZE_BYTES);
        rebase(image, "loop.qcow2", "qcow2");

        assertBackingRefused(above, "which is an image of its own chain");
        rebase(image, "base.qcow2", "qcow2");
        assertBackingRefused(image, "which is an image of its own chain");
    }

    @Test
    void shouldRefuseAChainThatIsTooDeep() throws IOException {
        Path above = image;
        for (int depth = 0; depth < 65; depth++) {
            Path next = folder.resolve("chain" + depth + ".qcow2");
            TestImages.qemuImg(
                    "create",
                    "-q",
                    "-u",
                    "-f",
                    "qcow2",
                    "-b",
                    above.getFileName().toString(),
                    "-F",
                    "qcow2",
                    next.toString(),
                    "1M");
            above = next;
        }
        assertBackingRefused(above, "under a chain of 65 images, expected at most 64");
    }

    @Test
    void shouldRefuseBackingNamesThatArentFilesOrFormatsThatArentStated() throws IOException {
        rebase(image, "nbd://localhost/x", "raw");
        assertBackingRefused(image, "expected the name of a file");
        rebase(image, "json:{\"driver\":\"raw\"}", "raw");
        assertBackingRefused(image, "expected the name of a file");
        rebase(image, "base", "vmdk");
        assertBackingRefused(image, "of the format 'vmdk', expected raw or qcow2");
        rebase(image, "gone", "raw");
        assertBackingRefused(image, "doesn't exist");
    }

    private static void rebase(Path image, String name, String format) {
        TestImages.qemuImg("rebase", "-u", "-f", "qcow2", "-b", name, "-F", format, image.toString());
    }

    private static void assertBackingRefused(Path image, String reason) {
        IOException e = assertThrows(
                IOException.class, () -> Qcow2Backend.open(image, BackendAccess.READ_WRITE, BackingRule.FOLLOW));
        assertTrue(e.toString().contains(reason), e.toString());
    }
}
