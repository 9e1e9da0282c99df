package io.varve.capture.backend.qcow2;

import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.varve.capture.backend.BackendAccess;
import io.varve.capture.backend.qcow2.BitmapOutcome.Done;
import io.varve.core.Seeds;
import io.varve.core.Tool;
import io.varve.core.bits.HierarchicalBitSet;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * What a power cut at any moment leaves of an image's bitmaps: each is gone or inconsistent, or it has every granule
 * that differs from what the drive held when the bitmap began.
 */
class BitmapPowerCutTest {
    private static final int SEEDS = 1200;
    private static final int CHECKED_BY_QEMU = 40;
    private static final int SIZE_BYTES = 64 * 1024;
    private static final int GRANULE_BYTES = 512;
    private static final int STEPS = 25;
    private static final int LEAKS_FOUND = 3;

    @TempDir(factory = InMemory.class)
    private Path folder;

    private int cuts;
    private int validAfterCut;

    @Test
    void shouldLeaveNoBitmapThatIsWrongWhenThePowerIsCut() throws IOException {
        List<byte[]> images = new ArrayList<>();
        // Where all clusters are there already, no write makes anything durable by the way.
        for (String options : List.of("", ",preallocation=metadata")) {
            for (String clusterSize : List.of("512", "4096", "64k")) {
                Path image = TestImages.create(
                        folder.resolve("drive.qcow2"), "cluster_size=" + clusterSize + options, SIZE_BYTES);
                TestImages.qemuImg("bitmap", "--add", "-g", "512", "-f", "qcow2", image.toString(), "b0");
                images.add(Files.readAllBytes(image));
            }
        }
        images.add(
                Files.readAllBytes(TestImages.create(folder.resolve("drive.qcow2"), "cluster_size=4096", SIZE_BYTES)));
        Seeds.forEach(SEEDS, random -> {
            byte[] disk = images.get(random.nextInt(images.size()));
            try {
                PowerCutFile file = new PowerCutFile(disk);
                runToCut(file, random);
                check(file.afterCut(random));
            } catch (IOException e) {
                throw new AssertionError(e.toString(), e);
            }
        });
        assertTrue(validAfterCut > SEEDS / 20, () -> "only " + validAfterCut + " bitmaps were valid after a cut");
    }

    private Qcow2Backend open(PowerCutFile file) throws IOException {
        Path path = folder.resolve("drive.qcow2");
        ImageFile image = new ImageFile(path, file);
        return new Qcow2Backend(
                path, OpenedImage.open(image, List.of(path), BackendAccess.READ_WRITE, BackingRule.REFUSE::open));
    }

    private void runToCut(PowerCutFile file, SplittableRandom random) throws IOException {
        file.cutAfter(1 + random.nextInt(1 << (2 + random.nextInt(6))));
        HierarchicalBitSet written = HierarchicalBitSet.ofHeap(SIZE_BYTES / GRANULE_BYTES);
        try (Qcow2Backend backend = open(file)) {
            assertInstanceOf(Done.class, backend.loadBitmaps());
            for (int step = 0; step < STEPS; step++) {
                step(backend, written, random);
            }
        } catch (PowerCutFile.PowerCutException e) {
            return;
        } catch (IOException e) {
            // After a flush that failed the image refuses what comes.
            assertTrue(String.valueOf(e.getMessage()).contains("durable"), e.toString());
        }
    }

    private static void step(Qcow2Backend backend, HierarchicalBitSet written, SplittableRandom random)
            throws IOException {
        switch (random.nextInt(8)) {
            case 0 -> backend.flush();
            case 1 -> {
                List<BitmapToStore> bitmaps = new ArrayList<>();
                for (int index = random.nextInt(4); index > 0; index--) {
                    bitmaps.add(new BitmapToStore("b" + index, GRANULE_BYTES, true, written));
                }
                bitmaps.add(new BitmapToStore("b0", GRANULE_BYTES, true, written));
                assertInstanceOf(Done.class, backend.storeBitmaps(bitmaps));
            }
            case 2 -> assertInstanceOf(Done.class, backend.removeBitmap("b" + random.nextInt(4)));
            default -> {
                int granule = random.nextInt(SIZE_BYTES / GRANULE_BYTES);
                byte[] data = new byte[GRANULE_BYTES];
                Arrays.fill(data, (byte) (1 + random.nextInt(100)));
                written.set(granule, granule + 1);
                backend.write((long) granule * GRANULE_BYTES, ByteBuffer.wrap(data));
            }
        }
    }

    private void check(byte[] disk) throws IOException {
        if (cuts++ % CHECKED_BY_QEMU == 0) {
            Path image = Files.write(folder.resolve("cut.qcow2"), disk);
            try {
                Tool.Result result = Tool.run("qemu-img", "check", "-f", "qcow2", image.toString());
                assertTrue(result.exitCode() == 0 || result.exitCode() == LEAKS_FOUND, result::output);
            } catch (InterruptedException e) {
                throw new IllegalStateException(e);
            }
        }
        ImageCheck.assertLeaksAtMost(disk);
        try (Qcow2Backend backend = open(new PowerCutFile(disk))) {
            Done<?> loaded = assertInstanceOf(Done.class, backend.loadBitmaps());
            byte[] content = TestImages.read(backend, 0, SIZE_BYTES);
            for (Object each : (List<?>) loaded.value()) {
                StoredBitmap bitmap = (StoredBitmap) each;
                if (!bitmap.isInconsistent()) {
                    validAfterCut++;
                    checkBits(backend, bitmap, content);
                }
            }
        }
    }

    /** The drive held zeros when the bitmaps began. */
    private static void checkBits(Qcow2Backend backend, StoredBitmap bitmap, byte[] content) throws IOException {
        Done<?> read = assertInstanceOf(Done.class, backend.readBitmap(bitmap.name()));
        HierarchicalBitSet bits = (HierarchicalBitSet) read.value();
        for (int place = 0; place < SIZE_BYTES; place++) {
            if (content[place] != 0 && !bits.get(place / GRANULE_BYTES)) {
                throw new AssertionError("byte " + place + " was written to, which " + bitmap + " doesn't have");
            }
        }
    }
}
