package io.varve.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.varve.cli.handover.TestAgent;
import java.io.IOException;
import java.io.RandomAccessFile;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class HandoverVerbTest {
    @TempDir
    Path directory;

    @Test
    void shouldHandADriveOverAndBackAndTellEachStep() throws Exception {
        Path image = image("image.raw");
        try (TestAgent a = TestAgent.in(directory.resolve("a"), image, "").start();
                TestAgent b = TestAgent.in(directory.resolve("b"), image, ",incoming=on")
                        .start()) {
            a.addBitmap("all");
            String from = a.qmp().toString();
            String to = b.qmp().toString();

            CommandRun there = CommandRun.of("handover", "--from", from, "--to", to, "disk0");

            assertEquals(0, there.code(), there.err());
            assertEquals("disk0  handed over to " + to, there.lines().getLast());
            assertEquals(false, b.bitmap("all").path("busy").asBoolean());
            CommandRun again = CommandRun.of("handover", "--from", from, "--to", to, "disk0");
            assertEquals(0, again.code(), again.err());
            CommandRun back = CommandRun.of("handover", "--from", to, "--to", from, "disk0");
            assertEquals(0, back.code(), back.err());
            assertEquals(false, a.bitmap("all").path("busy").asBoolean());
        }
    }

    @Test
    void shouldHandOverACopyThatWasMadeInBetween() throws Exception {
        Path image = image("image.raw");
        Path copy = directory.resolve("copy.raw");
        try (TestAgent a = TestAgent.in(directory.resolve("a"), image, "").start();
                TestAgent b = TestAgent.in(directory.resolve("b"), image, ",incoming=on")
                        .start()) {
            a.addBitmap("all");
            String from = a.qmp().toString();
            String to = b.qmp().toString();

            CommandRun released = CommandRun.of("handover", "--release-only", "--from", from, "--to", to, "disk0");
            Files.copy(image, copy);
            CommandRun there = CommandRun.of("handover", "--copied", "--from", from, "--to", to, "disk0=" + copy);

            assertTrue(released.lines().getLast().startsWith("disk0  released; copy its image now"), released.out());
            assertEquals(0, there.code(), there.err());
            assertEquals(false, b.bitmap("all").path("busy").asBoolean());
        }
    }

    @Test
    void shouldSayWhatIsMissing() throws Exception {
        Path image = image("image.raw");
        CommandRun nobody = CommandRun.of("handover", "--to", "unix:/nowhere", "disk0");
        assertEquals(2, nobody.code());
        assertTrue(nobody.err().contains("say --from ADDR"), nobody.err());
        try (TestAgent b =
                TestAgent.in(directory.resolve("b"), image, ",incoming=on").start()) {
            CommandRun silent = CommandRun.of(
                    "handover", "--from", "unix:/nowhere", "--to", b.qmp().toString(), "disk0");

            assertEquals(1, silent.code());
            assertTrue(silent.err().contains("nothing has come to the target yet"), silent.err());
        }
    }

    private Path image(String name) throws IOException {
        Path image = directory.resolve(name);
        try (RandomAccessFile file = new RandomAccessFile(image.toFile(), "rw")) {
            file.setLength(1 << 20);
        }
        return image;
    }
}
