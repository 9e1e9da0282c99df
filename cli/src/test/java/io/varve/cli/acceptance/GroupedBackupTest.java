package io.varve.cli.acceptance;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Random;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** {@code varve up} and {@code varve backup --grouped}, with drives written by qemu-io and nbdcopy. */
class GroupedBackupTest {
    @TempDir
    static Path folder;

    private static TestStack stack;

    @BeforeAll
    static void start() throws Exception {
        stack = TestStack.start(folder);
    }

    @AfterAll
    static void stop() throws Exception {
        stack.close();
    }

    // I14, I3
    @Test
    void shouldCommitBothDrivesOrNoneAndLoseNothing() throws Exception {
        Path random = folder.resolve("random");
        byte[] bytes = new byte[(int) TestStack.DRIVE_BYTES];
        new Random(7).nextBytes(bytes);
        Files.write(random, bytes);
        stack.qemuIo("drive0", "write -P 0x11 0 4M", "write -P 0x12 40M 1M", "flush");
        Command.run(
                        "nbdcopy",
                        "--flush",
                        random.toString(),
                        stack.stack().tcpExport("drive1").toString())
                .well();

        JsonNode full = stack.backup("--grouped");
        assertEquals("committed committed", states(full));
        stack.mustRestoreToTheImages(full.path("sync-point").asText());

        stack.qemuIo("drive0", "write -P 0x21 1M 1M", "write -z 40M 64k", "flush");
        stack.qemuIo("drive1", "write -P 0x22 2M 3M", "discard 10M 1M", "flush");
        stack.proxy().refuse(line -> line.startsWith("P") && line.contains("/drive1/"));
        JsonNode failed = stack.backup("--grouped");
        assertEquals("aborted aborted", states(failed), failed::toString);
        assertTrue(stack.proxy().refused() > 0);
        Command.Said restore =
                stack.varve("restore", "--sync-point", failed.path("sync-point").asText(), "--to", folder + "/none");
        assertEquals(1, restore.exitCode(), restore.text());

        stack.proxy().refuseNothing();
        stack.qemuIo("drive0", "write -P 0x31 63M 1M", "flush");
        JsonNode next = stack.backup("--grouped");
        assertEquals("committed committed", states(next));
        assertEquals("incremental incremental", kinds(next));
        stack.mustRestoreToTheImages(next.path("sync-point").asText());
    }

    private static String states(JsonNode backup) {
        return all(backup, "state");
    }

    private static String kinds(JsonNode backup) {
        return all(backup, "sync");
    }

    private static String all(JsonNode backup, String field) {
        StringBuilder all = new StringBuilder();
        backup.path("drives")
                .forEach(drive -> all.append(drive.path(field).asText()).append(' '));
        return all.toString().strip();
    }
}
