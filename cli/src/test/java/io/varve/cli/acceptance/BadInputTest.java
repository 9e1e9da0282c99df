package io.varve.cli.acceptance;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.varve.embedded.stack.JvmOptions;
import java.io.IOException;
import java.io.RandomAccessFile;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Bad input to the agent gets one clear sentence and exit code 1, or 2 where the command line itself is wrong. */
class BadInputTest {
    @TempDir
    Path folder;

    @Test
    void shouldSayThatAnImageIsMissing() throws Exception {
        mustFail(1, "doesn't exist", capture("drive0=" + folder.resolve("none.raw")));
    }

    @Test
    void shouldSayThatAnImageIsNotInWholeSectors() throws Exception {
        mustFail(1, "expected a positive multiple of 512", capture("drive0=" + image(1000)));
    }

    @Test
    void shouldSayThatAPortIsTaken() throws Exception {
        try (ServerSocket taken = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
            mustFail(
                    1,
                    "127.0.0.1:" + taken.getLocalPort(),
                    capture("--nbd", "127.0.0.1:" + taken.getLocalPort(), "drive0=" + image(4096)));
        }
    }

    @Test
    void shouldSayThatAnImageIsInUse() throws Exception {
        Path image = image(1 << 20);
        Process qemu = new ProcessBuilder("qemu-io", "-f", "raw", image.toString()).start();
        try {
            // It answers once it has the image, and its lock.
            qemu.outputWriter().write("length\n");
            qemu.outputWriter().flush();
            assertTrue(qemu.getInputStream().read() >= 0);

            mustFail(1, "in use", capture("drive0=" + image));
        } finally {
            qemu.destroyForcibly().waitFor();
        }
    }

    @Test
    void shouldSayThatADriveIsMisspelt() throws Exception {
        mustFail(2, "expected NAME=PATH", capture("drive0"));
        mustFail(2, "can't name a drive", capture("Drive_0=" + image(4096)));
        mustFail(2, "which can't be captured; expected raw", capture("drive0=" + image(4096) + ",format=vmdk"));
        mustFail(2, "named twice", capture("drive0=" + image(4096), "drive0=" + image(4096)));
    }

    @Test
    void shouldSayThatCertificatesAreMissingOrOfNoUse() throws Exception {
        String drive = "drive0=" + image(4096);
        mustFail(1, "ca-cert.pem' is missing", capture("--tls-certs", folder.toString(), drive));
        mustFail(1, "ca-cert.pem' is missing", capture("--tls-certs", "x", "--nbd", "127.0.0.1:9", drive));
    }

    @Test
    void shouldSayThatAnArchiveIsMissing() throws Exception {
        mustFail(2, "no archive is named", "sync-points");
        mustFail(1, "elsewhere", "sync-points", "--archive", "file:" + folder.resolve("elsewhere"));
        mustFail(2, "expected s3://BUCKET/PREFIX", "sync-points", "--archive", "nowhere");
    }

    @Test
    void shouldSayThatNobodyAnswers() throws Exception {
        mustFail(1, "No agent answers", "backup", "--agent", "unix:" + folder.resolve("none.sock"));
    }

    private String[] capture(String... more) {
        List<String> arguments = new ArrayList<>(
                List.of("capture", "--state", folder.resolve("state").toString()));
        arguments.addAll(List.of("--live", folder.resolve("live").toString()));
        if (!List.of(more).contains("--nbd")) {
            arguments.addAll(List.of("--nbd", "unix:" + folder.resolve("nbd.sock")));
        }
        arguments.addAll(List.of(more));
        return arguments.toArray(String[]::new);
    }

    private Path image(long sizeBytes) throws IOException {
        Path image = folder.resolve("image.raw");
        try (RandomAccessFile file = new RandomAccessFile(image.toFile(), "rw")) {
            file.setLength(sizeBytes);
        }
        return image;
    }

    private void mustFail(int exitCode, String expected, String... arguments) throws Exception {
        Path config = folder.resolve("empty.properties");
        Files.writeString(config, "");
        List<String> command = new ArrayList<>();
        command.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
        command.addAll(JvmOptions.COMMON);
        command.addAll(List.of("-cp", System.getProperty("java.class.path"), "io.varve.cli.VarveMain"));
        command.addAll(List.of(arguments));
        command.addAll(List.of("--config", config.toString()));

        Command.Said said = Command.run(command);

        assertEquals(exitCode, said.exitCode(), said.text());
        assertTrue(said.text().contains(expected), said.text());
        assertEquals(1, said.text().lines().count(), said.text());
        assertFalse(said.text().contains("\tat "), said.text());
    }
}
