package io.varve.transfer;

import static org.junit.jupiter.api.Assertions.assertInstanceOf;

import io.varve.core.Seeds;
import io.varve.core.bits.Granularity;
import io.varve.core.bits.Marks;
import io.varve.formats.qcow2.Backing;
import io.varve.formats.qcow2.ClusterSize;
import io.varve.formats.qcow2.ImageGeometry;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Path;
import java.util.Optional;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Every image that's written is right in the eyes of the real qemu-img. */
class ImageCopyTest {
    /** Each makes a full image and an increment. */
    private static final int GEOMETRIES = 32;

    private static final int SIZE_BYTES_MAX = 24 << 20;

    @TempDir
    Path folder;

    @Test
    void shouldWriteImagesThatQemuFindsRight() {
        Seeds.forEach(GEOMETRIES, random -> {
            try {
                writeFullAndIncrement(random);
            } catch (IOException e) {
                throw new UncheckedIOException(e);
            } catch (InterruptedException e) {
                throw new IllegalStateException(e);
            }
        });
    }

    private void writeFullAndIncrement(SplittableRandom random) throws IOException, InterruptedException {
        ClusterSize clusterSize = new ClusterSize(1 << random.nextInt(9, 22));
        long sizeBytes = 512L * random.nextInt(1, sizeMax(clusterSize, random) / 512 + 1);
        Granularity granularity = new Granularity(1 << random.nextInt(9, 20));
        Path raw = folder.resolve("drive.raw");
        Path full = folder.resolve("full.qcow2");
        Path increment = folder.resolve("increment.qcow2");
        Drives.create(raw, sizeBytes);
        Drives.scribble(raw, granularity, random.nextInt(30), random);
        ImageGeometry base = new ImageGeometry(sizeBytes, clusterSize, Optional.empty());

        assertCopied(Drives.copy(new CopyJob("drive", base, new CopyPlan.Whole()), raw, full));
        QemuImg.check(full);
        QemuImg.compare(full, raw);

        Marks marks = Drives.scribble(raw, granularity, random.nextInt(30), random);
        ImageGeometry above =
                new ImageGeometry(sizeBytes, clusterSize, Optional.of(new Backing("full.qcow2", "qcow2")));
        assertCopied(Drives.copy(new CopyJob("drive", above, new CopyPlan.Cut(marks)), raw, increment));
        QemuImg.check(increment);
        QemuImg.compare(increment, raw);
    }

    /** Small clusters make many tables, and large sizes of them only time. */
    private static int sizeMax(ClusterSize clusterSize, SplittableRandom random) {
        return random.nextInt(4) == 0
                ? clusterSize.bytes() * 3
                : (int) Math.min(SIZE_BYTES_MAX, clusterSize.bytes() * 8192L);
    }

    private static void assertCopied(CopyOutcome outcome) {
        assertInstanceOf(CopyOutcome.Copied.class, outcome, outcome::toString);
    }
}
