package io.varve.transfer;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Stream;

/** The real qemu-img, which is never let guess a format. */
final class QemuImg {
    private QemuImg() {}

    /** Fails unless it finds nothing wrong: no error, no leak. */
    static void check(Path image) throws IOException, InterruptedException {
        String output = run("check", "-f", "qcow2", image.toString());

        assertTrue(output.contains("No errors were found"), output);
    }

    /** Fails unless the image, through its backing files, shows the same bytes as the raw file. */
    static void compare(Path image, Path raw) throws IOException, InterruptedException {
        String output = run("compare", "-f", "qcow2", "-F", "raw", image.toString(), raw.toString());

        assertEquals("Images are identical.", output.strip(), "no warning of other sizes either");
    }

    static String run(String... arguments) throws IOException, InterruptedException {
        List<String> command =
                Stream.concat(Stream.of("qemu-img"), Stream.of(arguments)).toList();
        Process process = new ProcessBuilder(command).redirectErrorStream(true).start();
        String output = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
        assertEquals(0, process.waitFor(), () -> command + " said: " + output);
        return output;
    }
}
