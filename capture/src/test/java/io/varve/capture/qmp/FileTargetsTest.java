package io.varve.capture.qmp;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.varve.core.Tool;
import io.varve.transfer.nbd.Durability;
import io.varve.transfer.nbd.NbdClient;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The files that jobs write, and those that they refuse to. */
class FileTargetsTest {
    @TempDir
    private Path folder;

    private TwoDrives drives;

    @BeforeEach
    void start() throws IOException {
        drives = new TwoDrives(folder);
    }

    @AfterEach
    void stop() throws IOException {
        drives.close();
    }

    @Test
    void shouldWriteRawTargets() throws Exception {
        drives.writeSomewhere("drive0");
        run("{'device': 'drive0', 'sync': 'full', 'target': '@/raw'}");
        assertEquals(-1, Files.mismatch(drives.live.image("drive0"), folder.resolve("raw")));
        drives.add("drive0");
        drives.writeSomewhere("drive0");

        run("{'device': 'drive0', 'sync': 'incremental', 'bitmap': 'b', 'mode': 'existing', 'target': '@/raw'}");

        assertEquals(-1, Files.mismatch(drives.live.image("drive0"), folder.resolve("raw")));
    }

    @Test
    void shouldNotReadTheHolesOfASparseDrive() throws Exception {
        try (NbdClient guest = drives.live.guest("drive0")) {
            guest.write(
                    1 << 20, ByteBuffer.wrap("data".repeat(128).getBytes(StandardCharsets.UTF_8)), Durability.CACHED);
        }
        long before = drives.images.get(0).readBytes();

        run("{'device': 'drive0', 'sync': 'full', 'format': 'qcow2', 'target': '@/full'}");

        long read = drives.images.get(0).readBytes() - before;
        assertTrue(read <= 128 << 10, read + " bytes were read");
        drives.assertIsDrive("drive0", "full");
    }

    @Test
    void shouldWriteAnyClusterSize() throws Exception {
        for (String clusterSize : List.of("512", "2M")) {
            Tool.run(
                            "qemu-img",
                            "create",
                            "-f",
                            "qcow2",
                            "-o",
                            "cluster_size=" + clusterSize,
                            drives.path("c" + clusterSize),
                            String.valueOf(TwoDrives.SIZE_BYTES))
                    .success();
            drives.writeSomewhere("drive0");
            run("{'device': 'drive0', 'sync': 'top', 'mode': 'existing', 'format': 'qcow2', 'target': '@/c"
                    + clusterSize + "'}");
            drives.assertIsDrive("drive0", "c" + clusterSize);
        }
    }

    @Test
    void shouldRefuseTargetsBeforeAnythingHappens() throws Exception {
        drives.writeSomewhere("drive0");
        drives.beginChains();
        Tool.run("qemu-img", "create", "-f", "qcow2", drives.path("small"), "1M")
                .success();
        Files.createSymbolicLink(folder.resolve("link"), drives.live.image("drive0"));
        Tool.run("mkfifo", drives.path("pipe")).success();

        assertRefused("Could not create '@/no/x': No such file or directory", "'target': '@/no/x', 'format': 'qcow2'");
        assertRefused("Could not open '@/none': No such file or directory", "'target': '@/none', 'mode': 'existing'");
        assertRefused("Unknown file format 'nofmt'", "'target': '@/x', 'format': 'nofmt'");
        assertRefused("Unknown driver 'nofmt'", "'target': '@/small', 'format': 'nofmt', 'mode': 'existing'");
        assertRefused(
                "Source and target image have different sizes",
                "'target': '@/small', 'format': 'qcow2', 'mode': 'existing'");
        assertRefused("Source and target image have different sizes", "'target': '@/small', 'mode': 'existing'");
        assertRefused("Source and target cannot be the same", "'target': '@/link', 'mode': 'existing'");
        assertRefused("Source and target cannot be the same", "'target': '@/drive0.raw'");
        assertRefusedMentioning("the image of drive 'drive1'", "'target': '@/drive1.raw', 'format': 'qcow2'");
        assertRefusedMentioning("neither a regular file", "'target': '@/pipe', 'mode': 'existing'");
        assertRefused("Unknown protocol 'archive'", "'target': 'archive:x'");
        assertEquals(0, drives.monitor.run("{'execute': 'query-jobs'}").size());
        try (var files = Files.list(folder)) {
            assertTrue(files.noneMatch(file -> file.toString().endsWith(".partial")));
        }
    }

    private void assertRefused(String expected, String arguments) {
        assertEquals(expected.replace("@", folder.toString()), refusal(arguments));
    }

    private void assertRefusedMentioning(String expected, String arguments) {
        String refusal = refusal(arguments);
        assertTrue(refusal.contains(expected), refusal);
    }

    private String refusal(String arguments) {
        String sync = arguments.contains("'sync'") ? "" : "'sync': 'full', ";
        return drives.monitor.refused(drives.text(
                "{'execute': 'drive-backup', 'arguments': {'device': 'drive0', " + sync + arguments + "}}"));
    }

    private void run(String arguments) {
        drives.monitor.run(drives.text("{'execute': 'drive-backup', 'arguments': " + arguments + "}"));
        drives.assertSucceeds("drive0");
    }
}
