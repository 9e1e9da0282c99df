package io.varve.capture.qmp;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;

import com.fasterxml.jackson.databind.JsonNode;
import io.varve.core.Tool;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** A backup to the archive of a drive that has got an overlay, and of one whose overlay was committed. */
@Timeout(120)
class BackupAfterSnapshotTest {
    private static final int SIZE_BYTES = 4 << 20;
    private static final Pattern EXPORT = Pattern.compile("export: '([^']+)'");

    @TempDir
    private Path folder;

    @Test
    void shouldBackUpWhatTheGuestReads() throws Exception {
        Tool.run(
                        "qemu-img",
                        "create",
                        "-f",
                        "qcow2",
                        folder.resolve("drive.qcow2").toString(),
                        "4M")
                .success();
        byte[] expected = new byte[SIZE_BYTES];
        try (ImageAgent agent = ImageAgent.start(folder);
                QmpClient monitor = agent.monitor()) {
            write(agent, expected, 1, 0, 4);
            run(monitor, "blockdev-snapshot-sync", "'device': 'drive0', 'snapshot-file': '@/top'");
            write(agent, expected, 2, 1, 2);

            checkFull(monitor, expected, "bitmap 'varve' is new");
            write(agent, expected, 3, 3, 1);
            checkFull(
                    monitor,
                    expected,
                    "bitmap 'varve' has no anchor: no backup to the archive is committed since which"
                            + " it holds every write");

            run(monitor, "block-commit", "'device': 'drive0'");
            JsonNode _ = monitor.event(event -> event.path("event").asText().equals("BLOCK_JOB_READY"));
            run(monitor, "block-job-complete", "'device': 'drive0'");
            JsonNode _ = monitor.gone("drive0");
            write(agent, expected, 4, 2, 1);
            checkFull(monitor, expected, "bitmap 'varve' is new");
        }
    }

    private void run(QmpClient monitor, String command, String arguments) {
        JsonNode _ = monitor.run(
                ("{'execute': '" + command + "', 'arguments': {" + arguments + "}}").replace("@", folder.toString()));
    }

    private static void write(ImageAgent agent, byte[] expected, int pattern, int fromMegabytes, int megabytes)
            throws Exception {
        agent.guest("write -P " + pattern + " " + fromMegabytes + "M " + megabytes + "M");
        Arrays.fill(expected, fromMegabytes << 20, (fromMegabytes + megabytes) << 20, (byte) pattern);
    }

    /** Sinks would copy the point in time that's offered. */
    private void checkFull(QmpClient monitor, byte[] expected, String reason) throws Exception {
        JsonNode job = monitor.run("{'execute': 'x-varve-backup'}").at("/jobs/0");
        assertEquals("full", job.path("sync").asText());
        assertEquals(reason, job.path("reason").asText());
        String socket = folder.resolve("nbd.sock").toString();
        ImageAgent.guest(folder, "write -P 9 0 64k");
        String raw = folder.resolve("seen.raw").toString();
        Tool.run("qemu-img", "convert", "-O", "raw", "nbd+unix:///" + snapshot(socket) + "?socket=" + socket, raw)
                .success();

        assertArrayEquals(expected, Files.readAllBytes(Path.of(raw)));

        Arrays.fill(expected, 0, 64 << 10, (byte) 9);
        String id = job.path("job-id").asText();
        JsonNode _ = monitor.run("{'execute': 'job-cancel', 'arguments': {'id': '" + id + "'}}");
        JsonNode _ = monitor.gone(id);
    }

    private static String snapshot(String socket) throws Exception {
        Matcher exports =
                EXPORT.matcher(Tool.run("qemu-nbd", "-k", socket, "-L").success());
        while (exports.find()) {
            if (!exports.group(1).equals("drive0")) {
                return exports.group(1);
            }
        }
        throw new AssertionError("no point in time is offered");
    }
}
