package io.varve.capture.backend.qcow2;

import static org.junit.jupiter.api.Assertions.assertTrue;

import io.varve.capture.backend.Backend;
import io.varve.capture.backend.BackendAccess;
import io.varve.capture.backend.ZeroMode;
import io.varve.capture.backend.qcow2.PowerCutFile.PowerCutException;
import io.varve.core.Seeds;
import io.varve.core.Tool;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.SplittableRandom;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * What a power cut at any moment leaves, whichever of the unflushed sectors reached the disk: leaks at most, and every
 * byte as it was flushed or as it was written since.
 *
 * <p>{@code -Dvarve.qcow2.cuts=100000} cuts more often.
 */
class PowerCutTest {
    private static final int SEEDS = Integer.getInteger("varve.qcow2.cuts", 3000);
    private static final int CUTS_EACH = 2;
    private static final int CHECKED_BY_QEMU = 50;
    private static final int STEPS = 40;
    private static final int LEAKS_FOUND = 3;
    /** Requests begin in the drive's first part. */
    private static final int REQUESTED_BYTES = 400 * 512;

    /** An image of some kind, as qemu-img made it, and what it shows. */
    private static final class Kind {
        private final String name;
        private final byte[] image;
        private final byte[] content;

        Kind(String name, byte[] image, byte[] content) {
            this.name = name;
            this.image = image;
            this.content = content;
        }
    }

    /** A change since the last flush that succeeded. */
    private static final class Change {
        private final int offset;
        private final byte[] data;

        Change(int offset, byte[] data) {
            this.offset = offset;
            this.data = data;
        }
    }

    @TempDir(factory = InMemory.class)
    private Path folder;

    private final List<Kind> kinds = new ArrayList<>();
    private int cuts;

    @BeforeEach
    void makeImages() throws IOException {
        // The name under which the file in memory is known, also to the search for loops of backing files.
        Files.createFile(folder.resolve("drive.qcow2"));
        SplittableRandom random = new SplittableRandom(3);
        int sizeBytes = 200 * 1024 - 1536;
        byte[] base = TestImages.content(random, sizeBytes - 10_240);
        Path _ = Files.write(folder.resolve("base.raw"), base);
        for (int clusterBytes : new int[] {512, 4096, 16_384}) {
            byte[] content = TestImages.content(random, sizeBytes);
            String options = "cluster_size=" + clusterBytes;
            make("empty", options, new byte[sizeBytes]);
            make("old", options + ",compat=0.10", new byte[sizeBytes]);
            make("preallocated", options + ",preallocation=metadata", new byte[sizeBytes]);
            make("backed", options + ",backing_file=base.raw,backing_fmt=raw", Arrays.copyOf(base, sizeBytes));
            Path source = Files.write(folder.resolve("source.raw"), content);
            Path image = folder.resolve("compressed.qcow2");
            TestImages.qemuImg(
                    "convert", "-c", "-f", "raw", "-O", "qcow2", "-o", options, source.toString(), image.toString());
            kinds.add(new Kind("compressed " + clusterBytes, Files.readAllBytes(image), content));
        }
        makeFull();
    }

    /** An image whose refcount table is almost full: its 64 blocks of 256 clusters count 8 MiB. */
    private void makeFull() throws IOException {
        byte[] content = new byte[REQUESTED_BYTES + 16_030 * 512];
        Arrays.fill(content, REQUESTED_BYTES, content.length, (byte) 1);
        Path image = TestImages.create(folder.resolve("full.qcow2"), "cluster_size=512", content.length);
        try (Backend backend = Qcow2Backend.open(image, BackendAccess.READ_WRITE, BackingRule.REFUSE)) {
            backend.write(REQUESTED_BYTES, ByteBuffer.wrap(content, REQUESTED_BYTES, content.length - REQUESTED_BYTES));
        }
        kinds.add(new Kind("full", Files.readAllBytes(image), content));
    }

    private void make(String name, String options, byte[] content) throws IOException {
        Path image = TestImages.create(folder.resolve(name + ".qcow2"), options, content.length);
        kinds.add(new Kind(name + " " + options, Files.readAllBytes(image), content));
    }

    @Test
    void shouldLeaveLeaksAtMostAndWhatWasFlushedWhenThePowerIsCut() {
        Seeds.forEach(SEEDS, random -> {
            int drawn = random.nextInt(60);
            Kind kind = drawn == 0 ? kinds.getLast() : kinds.get(drawn % (kinds.size() - 1));
            byte[] disk = kind.image;
            byte[] content = kind.content;
            for (int cut = 0; cut < CUTS_EACH; cut++) {
                PowerCutFile file = new PowerCutFile(disk);
                Run run = new Run(file, content.clone(), random);
                try {
                    run.toCut(folder);
                    disk = file.afterCut(random);
                    content = check(disk, run);
                } catch (IOException | AssertionError | RuntimeException e) {
                    throw new AssertionError(kind.name + ", cut " + cut + ": " + e, e);
                }
            }
        });
    }

    /** @return what it holds now, which is what the next cut may not change */
    private byte[] check(byte[] disk, Run run) throws IOException {
        ImageCheck.assertLeaksAtMost(disk);
        if (cuts++ % CHECKED_BY_QEMU == 0) {
            Path image = Files.write(folder.resolve("cut.qcow2"), disk);
            Tool.Result result = qemuImgCheck(image);
            assertTrue(result.exitCode() == 0 || result.exitCode() == LEAKS_FOUND, result::output);
        }
        byte[] found = new byte[run.flushed.length];
        try (Backend backend = open(new PowerCutFile(disk), folder)) {
            backend.read(0, ByteBuffer.wrap(found));
        }
        run.assertAllowed(found);
        return found;
    }

    private static Tool.Result qemuImgCheck(Path image) throws IOException {
        try {
            return Tool.run("qemu-img", "check", "-f", "qcow2", image.toString());
        } catch (InterruptedException e) {
            throw new IllegalStateException(e);
        }
    }

    private static Backend open(PowerCutFile file, Path folder) throws IOException {
        Path path = folder.resolve("drive.qcow2");
        ImageFile image = new ImageFile(path, file);
        return new Qcow2Backend(
                path, OpenedImage.open(image, List.of(path), BackendAccess.READ_WRITE, BackingRule.FOLLOW::open));
    }

    /** Requests until the power is cut, and what may be there then. */
    private static final class Run {
        private final PowerCutFile file;
        private final SplittableRandom random;
        private final List<Change> changes = new ArrayList<>();
        private byte[] flushed;

        Run(PowerCutFile file, byte[] flushed, SplittableRandom random) {
            this.file = file;
            this.flushed = flushed;
            this.random = random;
        }

        void toCut(Path folder) throws IOException {
            file.cutAfter(1 + random.nextInt(1 << random.nextInt(9)));
            try (Backend backend = open(file, folder)) {
                for (int step = 0; step < STEPS; step++) {
                    step(backend);
                }
            } catch (PowerCutException e) {
                return;
            } catch (IOException e) {
                // After a flush that failed the image refuses what comes.
                assertTrue(String.valueOf(e.getMessage()).contains("durable"), e.toString());
            }
        }

        private void step(Backend backend) throws IOException {
            int unit = random.nextBoolean() ? 1 : 512;
            int offset = random.nextInt(Math.min(flushed.length, REQUESTED_BYTES) / unit) * unit;
            int length = Math.min(unit * (1 + random.nextInt(1 << random.nextInt(14))), flushed.length - offset);
            switch (random.nextInt(7)) {
                case 0, 1, 2 -> {
                    byte[] data = new byte[length];
                    random.nextBytes(data);
                    changes.add(new Change(offset, data));
                    backend.write(offset, ByteBuffer.wrap(data));
                }
                case 3 -> {
                    changes.add(new Change(offset, new byte[length]));
                    backend.zero(offset, length, random.nextBoolean() ? ZeroMode.MAY_PUNCH : ZeroMode.KEEP_ALLOCATED);
                }
                case 4 -> {
                    changes.add(new Change(offset, new byte[length]));
                    backend.trim(offset, length);
                }
                default -> flush(backend);
            }
        }

        private void flush(Backend backend) throws IOException {
            // What trims made of their ranges.
            byte[] found = TestImages.read(backend, 0, flushed.length);
            assertAllowed(found);
            backend.flush();
            flushed = found;
            changes.clear();
        }

        /** Each byte is as it was flushed, or as a change since made it. */
        void assertAllowed(byte[] found) {
            if (Arrays.equals(found, flushed)) {
                return;
            }
            boolean[] isAllowed = new boolean[found.length];
            for (int place = 0; place < found.length; place++) {
                isAllowed[place] = found[place] == flushed[place];
            }
            for (Change change : changes) {
                for (int place = 0; place < change.data.length; place++) {
                    isAllowed[change.offset + place] |= found[change.offset + place] == change.data[place];
                }
            }
            for (int place = 0; place < found.length; place++) {
                if (!isAllowed[place]) {
                    throw new AssertionError("byte " + place + " is " + found[place] + ", was flushed as "
                            + flushed[place] + ", and changed since by " + changesOf(place));
                }
            }
        }

        private List<String> changesOf(int place) {
            return changes.stream()
                    .filter(change -> change.offset <= place && place < change.offset + change.data.length)
                    .map(change ->
                            change.data[place - change.offset] + " at " + change.offset + "+" + change.data.length)
                    .toList();
        }
    }
}
