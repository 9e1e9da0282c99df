package io.varve.capture.backend.qcow2;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.SplittableRandom;

/** An image as qemu-img makes it with options drawn at random, what it holds, and how it was made. */
final class WorkloadImage {
    private static final int[] CLUSTER_BYTES = {512, 1024, 4096, 16_384, 65_536, 65_536, 262_144, 2 << 20};

    final Path path;
    final byte[] model;
    final String story;

    private WorkloadImage(Path path, byte[] model, String story) {
        this.path = path;
        this.model = model;
        this.story = story;
    }

    static WorkloadImage draw(Path folder, SplittableRandom random) throws IOException {
        int clusterBytes = CLUSTER_BYTES[random.nextInt(CLUSTER_BYTES.length)];
        int sizeBytes = 512 * (1 + random.nextInt(clusterBytes > 65_536 ? 12_000 : clusterBytes < 4096 ? 2000 : 4000));
        Path image = folder.resolve("drive.qcow2");
        List<String> options = new ArrayList<>(List.of("cluster_size=" + clusterBytes));
        boolean isOld = random.nextInt(5) == 0;
        options.add(isOld ? "compat=0.10" : "compat=1.1");
        if (!isOld && random.nextInt(4) == 0) {
            options.add("lazy_refcounts=on");
        }
        return switch (random.nextInt(4)) {
            case 0 -> compressed(image, random, sizeBytes, isOld, options);
            case 1 -> backed(image, random, sizeBytes, options);
            case 2 -> {
                options.add(
                        "preallocation=" + List.of("metadata", "falloc", "full").get(random.nextInt(3)));
                yield empty(image, sizeBytes, options);
            }
            default -> empty(image, sizeBytes, options);
        };
    }

    private static WorkloadImage empty(Path image, int sizeBytes, List<String> options) {
        String all = String.join(",", options);
        TestImages.create(image, all, sizeBytes);
        return new WorkloadImage(image, new byte[sizeBytes], all + " " + sizeBytes);
    }

    private static WorkloadImage compressed(
            Path image, SplittableRandom random, int sizeBytes, boolean isOld, List<String> options)
            throws IOException {
        if (!isOld && random.nextBoolean()) {
            options.add("compression_type=zstd");
        }
        String all = String.join(",", options);
        byte[] model = TestImages.content(random, sizeBytes);
        Path raw = Files.write(image.resolveSibling("source.raw"), model);
        TestImages.qemuImg("convert", "-c", "-f", "raw", "-O", "qcow2", "-o", all, raw.toString(), image.toString());
        return new WorkloadImage(image, model, "compressed " + all + " " + sizeBytes);
    }

    private static WorkloadImage backed(Path image, SplittableRandom random, int sizeBytes, List<String> options)
            throws IOException {
        int belowBytes = random.nextBoolean() ? sizeBytes : 512 * (1 + random.nextInt(sizeBytes / 512));
        byte[] below = TestImages.content(random, belowBytes);
        Path raw = Files.write(image.resolveSibling("base.raw"), below);
        String name = "base.raw";
        String format = "raw";
        if (random.nextBoolean()) {
            name = "base.qcow2";
            format = "qcow2";
            Path base = image.resolveSibling(name);
            TestImages.qemuImg("convert", "-c", "-f", "raw", "-O", "qcow2", raw.toString(), base.toString());
        }
        options.add("backing_file=" + name);
        options.add("backing_fmt=" + format);
        String all = String.join(",", options);
        TestImages.create(image, all, sizeBytes);
        return new WorkloadImage(image, Arrays.copyOf(below, sizeBytes), all + " " + sizeBytes);
    }
}
