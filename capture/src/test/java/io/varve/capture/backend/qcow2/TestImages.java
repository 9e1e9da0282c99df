package io.varve.capture.backend.qcow2;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.varve.capture.backend.Backend;
import io.varve.core.Tool;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.SplittableRandom;

/** Images made and judged by the real qemu-img. */
final class TestImages {
    private TestImages() {}

    static String qemuImg(String... arguments) {
        List<String> command = new ArrayList<>(List.of("qemu-img"));
        command.addAll(List.of(arguments));
        try {
            return Tool.run(command.toArray(String[]::new)).success();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        } catch (InterruptedException e) {
            throw new IllegalStateException(e);
        }
    }

    /** What qemu-img tells of an image that's open for writing, without runs of blanks. */
    static String infoOfOpen(Path image) {
        return qemuImg("info", "-U", "-f", "qcow2", image.toString()).replaceAll("\\s+", " ");
    }

    /** Runs qemu-io's commands. */
    static void qemuIo(Path image, String... commands) throws IOException {
        List<String> command = new ArrayList<>(List.of("qemu-io", "-f", "qcow2"));
        for (String each : commands) {
            command.addAll(List.of("-c", each));
        }
        command.add(image.toString());
        try {
            Tool.run(command.toArray(String[]::new)).success();
        } catch (InterruptedException e) {
            throw new IllegalStateException(e);
        }
    }

    /** An empty image. */
    static Path create(Path image, String options, long sizeBytes) {
        qemuImg("create", "-q", "-f", "qcow2", "-o", options, image.toString(), Long.toString(sizeBytes));
        return image;
    }

    /** Neither an error nor a leak. */
    static void assertClean(Path image) {
        String output = qemuImg("check", "-f", "qcow2", image.toString());
        assertTrue(output.contains("No errors were found"), output);
    }

    static void assertHolds(Path image, byte[] model) throws IOException {
        Path raw = Files.write(image.resolveSibling(image.getFileName() + ".model"), model);
        String output = qemuImg("compare", "-f", "qcow2", "-F", "raw", image.toString(), raw.toString());
        assertEquals("Images are identical.", output.strip());
        Files.delete(raw);
    }

    static byte[] read(Backend backend, long offsetBytes, int lengthBytes) throws IOException {
        byte[] bytes = new byte[lengthBytes];
        backend.read(offsetBytes, ByteBuffer.wrap(bytes));
        return bytes;
    }

    /** Bytes that can be compressed, with some zeros. */
    static byte[] content(SplittableRandom random, int sizeBytes) {
        byte[] content = new byte[sizeBytes];
        Random bytes = new Random(random.nextLong());
        for (int block = 0; block < sizeBytes; block += 4096) {
            if (random.nextInt(3) > 0) {
                byte[] piece = new byte[Math.min(64 + random.nextInt(1000), sizeBytes - block)];
                bytes.nextBytes(piece);
                System.arraycopy(piece, 0, content, block, piece.length);
            }
        }
        return content;
    }
}
