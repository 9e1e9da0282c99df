package io.varve.capture.backend.qcow2;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.varve.capture.backend.Backend;
import io.varve.capture.backend.BackendAccess;
import io.varve.capture.backend.RequestFailedException;
import io.varve.capture.backend.ZeroMode;
import io.varve.core.Seeds;
import io.varve.formats.nbd.NbdError;
import io.varve.formats.nbd.StatusExtent;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Random workloads over images that qemu-img makes; it judges them, too. */
class Qcow2WorkloadTest {
    private static final int WORKLOADS = 200;
    private static final int STEPS = 60;

    /** In memory: it isn't the disk that's tested. */
    @TempDir(factory = InMemory.class)
    private Path folder;

    @Test
    void shouldBehaveAsAnArrayOfBytesAndStayClean() {
        Seeds.forEach(WORKLOADS, random -> {
            try {
                Path own = Files.createTempDirectory(folder, "workload");
                WorkloadImage drawn = WorkloadImage.draw(own, random);
                try {
                    run(drawn, random);
                } catch (IOException | AssertionError | RuntimeException e) {
                    throw new AssertionError(drawn.story + ": " + e, e);
                }
                try (var files = Files.list(own)) {
                    for (Path file : files.toList()) {
                        Files.delete(file);
                    }
                }
            } catch (IOException e) {
                throw new UncheckedIOException(e);
            }
        });
    }

    private static void run(WorkloadImage drawn, SplittableRandom random) throws IOException {
        byte[] model = drawn.model;
        Backend backend = open(drawn.path);
        try {
            for (int step = 0; step < STEPS; step++) {
                if (random.nextInt(15) == 0) {
                    backend.close();
                    backend = open(drawn.path);
                } else {
                    step(backend, model, random);
                }
            }
            assertArrayEquals(model, TestImages.read(backend, 0, model.length));
        } finally {
            backend.close();
        }
        TestImages.assertClean(drawn.path);
        TestImages.assertHolds(drawn.path, model);
    }

    private static Backend open(Path image) throws IOException {
        return Qcow2Backend.open(image, BackendAccess.READ_WRITE, BackingRule.FOLLOW);
    }

    private static void step(Backend backend, byte[] model, SplittableRandom random) throws IOException {
        int unit = random.nextBoolean() ? 1 : 512;
        int offset = random.nextInt(model.length / unit) * unit;
        int length = Math.min(unit * (1 + random.nextInt(1 << random.nextInt(14))), model.length - offset);
        if (random.nextInt(6) == 0) {
            length = model.length - offset;
        }
        switch (random.nextInt(8)) {
            case 0, 1, 2 -> {
                byte[] data = new byte[length];
                random.nextBytes(data);
                backend.write(offset, ByteBuffer.wrap(data));
                System.arraycopy(data, 0, model, offset, length);
            }
            case 3 ->
                zero(backend, model, offset, length, List.of(ZeroMode.values()).get(random.nextInt(4)));
            case 4, 5 -> trim(backend, model, offset, length);
            case 6 -> backend.flush();
            default ->
                assertArrayEquals(
                        Arrays.copyOfRange(model, offset, offset + length), TestImages.read(backend, offset, length));
        }
        checkAllocation(backend, model, offset, length);
    }

    private static void zero(Backend backend, byte[] model, int offset, int length, ZeroMode mode) throws IOException {
        try {
            backend.zero(offset, length, mode);
            Arrays.fill(model, offset, offset + length, (byte) 0);
        } catch (RequestFailedException e) {
            assertTrue(mode.mustBeFast(), e.toString());
            assertEquals(NbdError.ENOTSUP, e.error());
        }
    }

    /** What was trimmed reads as zeros or as before, and goes on doing so. */
    private static void trim(Backend backend, byte[] model, int offset, int length) throws IOException {
        backend.trim(offset, length);
        byte[] after = TestImages.read(backend, offset, length);
        for (int index = 0; index < length; index++) {
            assertTrue(after[index] == 0 || after[index] == model[offset + index], "byte " + (offset + index));
            model[offset + index] = after[index];
        }
    }

    private static void checkAllocation(Backend backend, byte[] model, int offset, int length) throws IOException {
        int position = offset;
        for (StatusExtent extent : backend.allocation(offset, length, Integer.MAX_VALUE)) {
            if ((extent.flags() & StatusExtent.ZERO) != 0) {
                for (int index = 0; index < extent.lengthBytes(); index++) {
                    assertEquals(0, model[position + index], "byte " + (position + index) + " in " + extent);
                }
            }
            position += (int) extent.lengthBytes();
        }
        assertEquals(offset + length, position);
    }
}
