package io.varve.capture.backend.qcow2;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.varve.capture.backend.BackendAccess;
import io.varve.capture.backend.qcow2.BitmapOutcome.Done;
import io.varve.capture.backend.qcow2.BitmapOutcome.Refused;
import io.varve.core.Seeds;
import io.varve.core.Tool;
import io.varve.core.bits.HierarchicalBitSet;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.FileTime;
import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Bitmaps that QEMU stored serve Varve, and the reverse. */
class StoredBitmapsTest {
    private static final int SIZE_BYTES = 8 << 20;
    private static final int GRANULE_BYTES = 65_536;

    @TempDir(factory = InMemory.class)
    private Path folder;

    private Path create(String options) {
        return TestImages.create(folder.resolve("drive.qcow2"), options, SIZE_BYTES);
    }

    private static Qcow2Backend open(Path image) throws IOException {
        return Qcow2Backend.open(image, BackendAccess.READ_WRITE, BackingRule.FOLLOW);
    }

    private static <T> T done(BitmapOutcome<T> outcome) {
        return switch (outcome) {
            case Done<T>(T value) -> value;
            case Refused<T>(String reason) -> throw new AssertionError(reason);
        };
    }

    private static String info(Path image) {
        return TestImages.infoOfOpen(image);
    }

    /** The dirty extents as QEMU's NBD server tells them: offset and length each. */
    private static List<String> dirtyByQemu(Path image, String bitmap) throws IOException {
        try {
            String map = Tool.run(
                            "nbdinfo",
                            "--map=qemu:dirty-bitmap:" + bitmap,
                            "--",
                            "[",
                            "qemu-nbd",
                            "-r",
                            "-f",
                            "qcow2",
                            "-B",
                            bitmap,
                            image.toString(),
                            "]")
                    .success();
            return map.lines()
                    .map(line -> line.strip().split(" +"))
                    .filter(fields -> fields[2].equals("1"))
                    .map(fields -> fields[0] + "+" + fields[1])
                    .toList();
        } catch (InterruptedException e) {
            throw new IllegalStateException(e);
        }
    }

    private static List<String> dirty(HierarchicalBitSet bits, long granularityBytes, long sizeBytes) {
        List<String> extents = new ArrayList<>();
        for (long bit = bits.nextSet(0); bit >= 0; ) {
            long end = bits.nextClear(bit);
            long endBytes = Math.min(sizeBytes, end * granularityBytes);
            extents.add(bit * granularityBytes + "+" + (endBytes - bit * granularityBytes));
            bit = bits.nextSet(end);
        }
        return extents;
    }

    private static HierarchicalBitSet bits(long count, long... set) {
        HierarchicalBitSet bits = HierarchicalBitSet.ofHeap(count);
        for (long bit : set) {
            bits.set(bit, bit + 1);
        }
        return bits;
    }

    private static BitmapToStore daily(long... granules) {
        return new BitmapToStore("daily", GRANULE_BYTES, true, bits(SIZE_BYTES / GRANULE_BYTES, granules));
    }

    @Test
    void shouldReadWhatQemuRecorded() throws IOException {
        Path image = create("cluster_size=64k");
        TestImages.qemuImg("bitmap", "--add", "-f", "qcow2", image.toString(), "daily");
        TestImages.qemuImg("bitmap", "--add", "--disable", "-g", "4k", "-f", "qcow2", image.toString(), "frozen");
        TestImages.qemuIo(image, "write 70000 1", "write 3M 256k", "write 8388096 512");
        try (Qcow2Backend backend = Qcow2Backend.open(image, BackendAccess.READ_ONLY, BackingRule.REFUSE)) {
            assertEquals(
                    List.of(
                            new StoredBitmap("daily", GRANULE_BYTES, true, false),
                            new StoredBitmap("frozen", 4096, false, false)),
                    done(backend.loadBitmaps()));
            assertEquals(
                    List.of("65536+65536", "3145728+262144", "8323072+65536"),
                    dirty(done(backend.readBitmap("daily")), GRANULE_BYTES, SIZE_BYTES));
            assertTrue(done(backend.readBitmap("frozen")).isEmpty());
        }
    }

    /** Random geometries and bits, each image judged by qemu-img, some read by QEMU's NBD server. */
    @Test
    void shouldStoreWhatQemuReads() {
        int[] number = {0};
        Seeds.forEach(30, random -> {
            try {
                storeAndCompare(random, number[0]++ % 3 == 0);
            } catch (IOException e) {
                throw new UncheckedIOException(e);
            }
        });
    }

    private void storeAndCompare(SplittableRandom random, boolean isReadByQemu) throws IOException {
        int clusterBytes = 1024 << random.nextInt(8);
        long sizeBytes = 512L * (1 + random.nextInt(200_000));
        Path image = TestImages.create(folder.resolve("drive.qcow2"), "cluster_size=" + clusterBytes, sizeBytes);
        List<BitmapToStore> bitmaps = new ArrayList<>();
        for (int index = 1 + random.nextInt(4); index > 0; index--) {
            int granularityBits = 9 + random.nextInt(12);
            HierarchicalBitSet bits = HierarchicalBitSet.ofHeap(((sizeBytes - 1) >>> granularityBits) + 1);
            for (int run = random.nextInt(20); run > 0; run--) {
                long from = random.nextLong(bits.bitCount());
                bits.set(from, Math.min(bits.bitCount(), from + 1 + random.nextInt(1 << random.nextInt(16))));
            }
            bitmaps.add(new BitmapToStore("bitmap " + index, 1L << granularityBits, random.nextBoolean(), bits));
        }
        try (Qcow2Backend backend = open(image)) {
            backend.write(0, ByteBuffer.allocate(512));
            assertEquals(bitmaps.size(), done(backend.storeBitmaps(bitmaps)).size());
        }
        TestImages.assertClean(image);
        try (Qcow2Backend backend = open(image)) {
            assertEquals(
                    bitmaps.stream()
                            .map(bitmap ->
                                    new StoredBitmap(bitmap.name(), bitmap.granularityBytes(), bitmap.isAuto(), false))
                            .toList(),
                    done(backend.loadBitmaps()));
            for (BitmapToStore bitmap : bitmaps) {
                List<String> expected = dirty(bitmap.bits(), bitmap.granularityBytes(), sizeBytes);
                HierarchicalBitSet read = done(backend.readBitmap(bitmap.name()));
                assertEquals(expected, dirty(read, bitmap.granularityBytes(), sizeBytes));
            }
        }
        BitmapToStore first = bitmaps.getFirst();
        if (isReadByQemu) {
            assertEquals(dirty(first.bits(), first.granularityBytes(), sizeBytes), dirtyByQemu(image, first.name()));
        }
    }

    @Test
    void shouldLetQemuAddMergeAndRemoveBesideWhatItStored() throws IOException {
        Path image = create("cluster_size=64k");
        try (Qcow2Backend backend = open(image)) {
            done(backend.storeBitmaps(List.of(daily(3, 4, 100))));
        }
        String file = image.toString();
        TestImages.qemuImg("bitmap", "--add", "--merge", "daily", "-f", "qcow2", file, "merged");
        TestImages.qemuIo(image, "write 0 1");
        TestImages.qemuImg("bitmap", "--remove", "-f", "qcow2", file, "daily");
        TestImages.assertClean(image);
        try (Qcow2Backend backend = open(image)) {
            assertEquals(List.of(new StoredBitmap("merged", GRANULE_BYTES, true, false)), done(backend.loadBitmaps()));
            assertEquals(
                    List.of("0+65536", "196608+131072", "6553600+65536"),
                    dirty(done(backend.readBitmap("merged")), GRANULE_BYTES, SIZE_BYTES));
        }
    }

    @Test
    void shouldMarkBitmapsAsInUseWithTheFirstChangeAndStoreThemAgain() throws IOException {
        Path image = create("cluster_size=64k");
        TestImages.qemuImg("bitmap", "--add", "-f", "qcow2", image.toString(), "daily");
        try (Qcow2Backend backend = open(image)) {
            assertEquals(1, done(backend.loadBitmaps()).size());
            assertFalse(TestImages.infoOfOpen(image).contains("in-use"));
            backend.write(0, ByteBuffer.allocate(512));
            assertTrue(TestImages.infoOfOpen(image).contains("in-use"), TestImages.infoOfOpen(image));
            assertInstanceOf(Refused.class, backend.readBitmap("daily"));

            done(backend.storeBitmaps(List.of(daily(0))));
            assertFalse(TestImages.infoOfOpen(image).contains("in-use"));
            backend.write(0, ByteBuffer.allocate(512));
            assertTrue(TestImages.infoOfOpen(image).contains("in-use"));
            done(backend.storeBitmaps(List.of(daily(0, 7))));
        }
        TestImages.assertClean(image);
        assertEquals(List.of("0+65536", "458752+65536"), dirtyByQemu(image, "daily"));
    }

    @Test
    void shouldOnlyRemoveBitmapsThatNobodyStored() throws IOException {
        Path image = create("cluster_size=64k");
        TestImages.qemuImg("bitmap", "--add", "-f", "qcow2", image.toString(), "daily");
        TestImages.qemuImg("bitmap", "--add", "-f", "qcow2", image.toString(), "weekly");
        try (Qcow2Backend backend = open(image)) {
            assertEquals(2, done(backend.loadBitmaps()).size());
            backend.write(0, ByteBuffer.allocate(512));
        }
        TestImages.assertClean(image);
        try (Qcow2Backend backend = open(image)) {
            StoredBitmap daily = new StoredBitmap("daily", GRANULE_BYTES, true, true);
            StoredBitmap weekly = new StoredBitmap("weekly", GRANULE_BYTES, true, true);
            assertEquals(List.of(daily, weekly), done(backend.loadBitmaps()));
            assertEquals(
                    new Refused<>("Bitmap 'daily' is inconsistent and cannot be used"), backend.readBitmap("daily"));
            assertEquals(
                    new Refused<>("Bitmap 'daily' already exists in the image"),
                    backend.storeBitmaps(List.of(daily(1))));

            assertEquals(List.of(weekly), done(backend.removeBitmap("daily")));
            BitmapToStore monthly = new BitmapToStore("monthly", 512, false, bits(SIZE_BYTES / 512, 5));
            assertEquals(
                    List.of(weekly, new StoredBitmap("monthly", 512, false, false)),
                    done(backend.storeBitmaps(List.of(monthly))));
        }
        TestImages.assertClean(image);
        assertTrue(
                info(image)
                        .contains("[0]: flags: [0]: in-use [1]: auto name: weekly granularity: 65536"
                                + " [1]: flags: name: monthly granularity: 512"),
                info(image));
    }

    @Test
    void shouldRemoveTheLastAndLetQemuBegin() throws IOException {
        Path image = create("cluster_size=64k");
        try (Qcow2Backend backend = open(image)) {
            done(backend.storeBitmaps(List.of(daily(1))));
            assertEquals(List.of(), done(backend.removeBitmap("daily")));
            assertEquals(List.of(), done(backend.removeBitmap("daily")));
        }
        TestImages.assertClean(image);
        assertFalse(info(image).contains("bitmaps"), info(image));
        TestImages.qemuImg("bitmap", "--add", "-f", "qcow2", image.toString(), "daily");
        TestImages.assertClean(image);
    }

    @Test
    void shouldMoveTheBackingFilesNameOutOfTheWay() throws IOException {
        String base = "base-of-a-long-name-that-does-not-fit-beside.qcow2";
        TestImages.create(folder.resolve(base), "cluster_size=64k", SIZE_BYTES);
        Path image = create("backing_file=" + base + ",backing_fmt=qcow2");
        try (Qcow2Backend backend = open(image)) {
            done(backend.storeBitmaps(List.of(daily(9))));
        }
        TestImages.assertClean(image);
        assertTrue(info(image).contains("backing file: " + base));
        assertEquals(List.of("589824+65536"), dirtyByQemu(image, "daily"));
    }

    @Test
    void shouldRefuseWhatAnImageCantKeep() throws IOException {
        try (Qcow2Backend backend = open(create("cluster_size=64k"))) {
            assertEquals(
                    "Granularity is under minimum (512 bytes)",
                    backend.objectionToBitmap("a", 256).orElseThrow());
            assertEquals(
                    "Granularity exceeds maximum (2147483648 bytes)",
                    backend.objectionToBitmap("a", 1L << 32).orElseThrow());
            assertEquals(
                    "Name length exceeds maximum (1023 characters)",
                    backend.objectionToBitmap("a".repeat(1024), 512).orElseThrow());
            assertEquals(
                    new Refused<>("Bitmap 'daily' already exists in the image"),
                    backend.storeBitmaps(List.of(daily(1), daily(2))));
            assertEquals(List.of(), done(backend.loadBitmaps()));
        }
        try (Qcow2Backend backend = open(create("compat=0.10"))) {
            assertEquals(
                    "Cannot store dirty bitmaps in qcow2 v2 files",
                    backend.objectionToBitmap("a", 512).orElseThrow());
        }
    }

    @Test
    void shouldRefuseToStoreWhereTheHeaderIsFull() throws IOException {
        TestImages.create(folder.resolve("base.qcow2"), "cluster_size=64k", SIZE_BYTES);
        Path image = create("cluster_size=512,backing_file=" + "./".repeat(170) + "base.qcow2,backing_fmt=qcow2");
        try (Qcow2Backend backend = open(image)) {
            assertEquals(
                    new Refused<>("Failed to update bitmap extension: no room for it in the image's header"),
                    backend.storeBitmaps(List.of(daily(1))));
        }
        TestImages.assertClean(image);
    }

    @Test
    void shouldNotTouchAnImageWhoseBitmapsWereOnlyLoaded() throws IOException {
        Path image = create("cluster_size=64k");
        TestImages.qemuImg("bitmap", "--add", "-f", "qcow2", image.toString(), "daily");
        Files.setLastModifiedTime(image, FileTime.fromMillis(0));
        try (Qcow2Backend backend = open(image)) {
            assertEquals(1, done(backend.loadBitmaps()).size());
        }
        assertEquals(FileTime.fromMillis(0), Files.getLastModifiedTime(image));
    }
}
