package io.varve.restore;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.varve.archive.store.FileStore;
import io.varve.archive.store.ObjectStore;
import io.varve.archive.store.WhenMissing;
import io.varve.core.bits.Extent;
import io.varve.core.bits.Granularity;
import io.varve.core.bits.Marks;
import io.varve.core.drive.Completion;
import io.varve.core.id.BitmapName;
import io.varve.core.id.DriveId;
import io.varve.restore.compare.ChainBaseline;
import io.varve.restore.compare.ChainHead;
import io.varve.restore.compare.DriveComparison;
import io.varve.restore.compare.ImageBaseline;
import io.varve.transfer.source.FileClusterSource;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What differs between a drive now and a chain that QEMU wrote. */
class ComparisonTest {
    private static final int LAYERS = 4;
    private static final int CLUSTER = QemuChain.CLUSTER_BYTES;
    private static final DriveId DRIVE = new DriveId("root");

    @TempDir
    Path folder;

    private ObjectStore store;
    private QemuChain chain;

    @BeforeEach
    void commit() throws Exception {
        store = FileStore.open(Files.createDirectory(folder.resolve("archive")), WhenMissing.REFUSE);
        chain = new QemuChain(store, Files.createDirectory(folder.resolve("images")), DRIVE.value(), 1);
        for (int i = 0; i < LAYERS; i++) {
            QemuChain.commit(store, "sp-" + i, Completion.INDIVIDUAL, chain);
        }
    }

    @Test
    void shouldFindExactlyTheClustersThatDifferFromEachSyncPoint() throws Exception { // I1
        for (int i = 0; i < LAYERS; i++) {
            byte[] now = chain.model("sp-" + i);
            assertEquals(List.of(), differing("sp-" + i, now));

            now[3 * CLUSTER] ^= 1;
            now[20 * CLUSTER - 1] ^= 1;
            now[QemuChain.SIZE_BYTES - 1] ^= 1;

            assertEquals(
                    List.of(
                            new Extent(3 * CLUSTER, CLUSTER),
                            new Extent(19 * CLUSTER, CLUSTER),
                            new Extent(50 * CLUSTER, 512)),
                    differing("sp-" + i, now));
        }
    }

    @Test
    void shouldFindTheSameAsAByteForByteComparisonOfTwoImages() throws Exception {
        for (int i = 1; i < LAYERS; i++) {
            byte[] now = chain.model("sp-" + i);

            assertEquals(differing("sp-0", now), ofImages(chain.model("sp-0"), now));
        }
    }

    @Test
    void shouldTakeWhatADriveGrewByForZeros() throws Exception { // design 5: so does a chain
        byte[] grown = Arrays.copyOf(chain.model("sp-3"), 60 * CLUSTER);
        assertEquals(List.of(), differing("sp-3", grown));

        grown[55 * CLUSTER] = 1;

        assertEquals(List.of(new Extent(55 * CLUSTER, CLUSTER)), differing("sp-3", grown));
        assertEquals(List.of(new Extent(55 * CLUSTER, CLUSTER)), ofImages(chain.model("sp-3"), grown));
    }

    @Test
    void shouldCompareOnlyWhatADriveShrankTo() throws Exception {
        byte[] shrunk = Arrays.copyOf(chain.model("sp-3"), 10 * CLUSTER);
        shrunk[9 * CLUSTER] ^= 1;

        assertEquals(List.of(new Extent(9 * CLUSTER, CLUSTER)), differing("sp-3", shrunk));
    }

    @Test
    void shouldCompareWithTheLatestSyncPoint() throws Exception {
        ChainHead latest = ChainHead.latest(store, DRIVE, new BitmapName("varve"));
        ChainHead older = ChainHead.at(store, "sp-1", DRIVE);

        assertEquals("sp-3", latest.anchor().syncPoint().value());
        assertEquals("sp-0", latest.anchor().chain().value());
        assertEquals(3, latest.anchor().sequence());
        assertEquals(chain.ref(3), latest.ref());
        assertEquals(1, older.anchor().sequence());
    }

    @Test
    void shouldSayThatThereIsNothingToCompareWith() {
        String none = sentence(() -> ChainHead.latest(store, new DriveId("other"), new BitmapName("varve")));
        String unknown = sentence(() -> ChainHead.at(store, "sp-9", DRIVE));

        assertTrue(none.contains("holds no committed backup of drive 'other'"), none);
        assertTrue(none.contains("varve backup other"), none);
        assertTrue(unknown.startsWith("sync point 'sp-9' has no committed backup of drive 'root'"), unknown);
    }

    @Test
    void shouldNotCompareWithSumsThatAreDamaged() throws Exception { // I4
        Path sums;
        try (var files = Files.walk(folder.resolve("archive"))) {
            sums = files.filter(file -> file.toString().endsWith(".sums"))
                    .sorted()
                    .findFirst()
                    .orElseThrow();
        }
        byte[] bytes = Files.readAllBytes(sums);
        bytes[bytes.length - 1] ^= 1;
        Files.write(sums, bytes);

        String damaged = sentence(() -> differing("sp-3", chain.model("sp-3")));

        assertTrue(damaged.contains("are damaged"), damaged);
    }

    private interface Reading {
        Object run() throws Exception;
    }

    private static String sentence(Reading reading) {
        return String.valueOf(assertThrows(IOException.class, reading::run).getMessage());
    }

    private List<Extent> differing(String syncPoint, byte[] now) throws IOException {
        ChainHead head = ChainHead.at(store, syncPoint, DRIVE);
        try (FileClusterSource source = source("now", now)) {
            return clipped(
                    new DriveComparison(source, ChainBaseline.of(store, head.ref()), _ -> {})
                            .run(Granularity.DEFAULT),
                    now);
        }
    }

    private List<Extent> ofImages(byte[] before, byte[] now) throws IOException {
        try (FileClusterSource old = source("old", before);
                FileClusterSource source = source("now", now)) {
            return clipped(
                    new DriveComparison(source, new ImageBaseline(old), _ -> {}).run(Granularity.DEFAULT), now);
        }
    }

    private static List<Extent> clipped(Marks marks, byte[] now) {
        return marks.extents().stream()
                .map(e -> new Extent(e.offsetBytes(), Math.min(e.lengthBytes(), now.length - e.offsetBytes())))
                .toList();
    }

    private FileClusterSource source(String name, byte[] content) throws IOException {
        return FileClusterSource.open(Files.write(folder.resolve(name), content));
    }
}
