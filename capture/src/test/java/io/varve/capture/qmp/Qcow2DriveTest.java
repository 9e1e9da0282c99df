package io.varve.capture.qmp;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import io.varve.capture.CaptureConfig;
import io.varve.capture.CaptureRole;
import io.varve.capture.DriveArgument;
import io.varve.capture.nbd.ExportRegistry;
import io.varve.capture.tracking.AgentOptions;
import io.varve.capture.tracking.AgentSurroundings;
import io.varve.core.Tool;
import io.varve.formats.nbd.NbdAddress;
import java.io.IOException;
import java.nio.file.Path;
import java.security.SecureRandom;
import java.time.InstantSource;
import java.util.List;
import java.util.Optional;
import java.util.UUID;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** An agent whose drive is a qcow2 image, with a compressed one under it. */
class Qcow2DriveTest {
    @TempDir
    private Path folder;

    private CaptureRole start() throws IOException {
        CaptureConfig config = new CaptureConfig(
                AgentOptions.in(folder.resolve("state"), folder.resolve("live"), nbd().toString()),
                List.of(nbd()),
                Optional.empty(),
                List.of(qmp()),
                CaptureConfig.planOf(
                        List.of(DriveArgument.parse("drive0=" + path("drive.qcow2") + ",format=qcow2,backing=on"))),
                Optional.empty(),
                "varve test");
        return CaptureRole.start(
                config,
                new AgentSurroundings(
                        new ExportRegistry(),
                        InstantSource.system(),
                        System::nanoTime,
                        new SecureRandom(),
                        new UUID(3, 4)));
    }

    private NbdAddress nbd() {
        return new NbdAddress.Unix(path("nbd.sock"));
    }

    private NbdAddress qmp() {
        return new NbdAddress.Unix(path("qmp.sock"));
    }

    private String path(String name) {
        return folder.resolve(name).toString();
    }

    private void guest(String... commands) throws Exception {
        String[] command = new String[4 + 2 * commands.length];
        command[0] = "qemu-io";
        command[1] = "-f";
        command[2] = "raw";
        command[3] = "nbd+unix:///drive0?socket=" + path("nbd.sock");
        for (int index = 0; index < commands.length; index++) {
            command[4 + 2 * index] = "-c";
            command[5 + 2 * index] = commands[index];
        }
        String said = Tool.run(command).success();
        assertFalse(said.contains("failed"), said);
    }

    private static void backup(QmpClient monitor, String arguments) {
        monitor.run("{'execute': 'drive-backup', 'arguments': {'device': 'drive0', " + arguments + "}}");
        JsonNode end = monitor.jobEnd("drive0");
        assertFalse(end.get("data").has("error"), end::toString);
        monitor.gone("drive0");
    }

    private void makeDrive() throws Exception {
        Tool.run("qemu-img", "create", "-q", "-f", "raw", path("base.raw"), "8M")
                .success();
        Tool.run("qemu-io", "-f", "raw", path("base.raw"), "-c", "write -P 7 1M 3M")
                .success();
        Tool.run("qemu-img", "convert", "-c", "-f", "raw", "-O", "qcow2", path("base.raw"), path("base.qcow2"))
                .success();
        Tool.run("qemu-img", "create", "-q", "-f", "qcow2", "-b", "base.qcow2", "-F", "qcow2", path("drive.qcow2"))
                .success();
    }

    @Test
    void shouldBackUpAQcow2DriveAndKnowItAgain() throws Exception {
        makeDrive();
        try (CaptureRole _ = start();
                QmpClient monitor = QmpClient.negotiated(qmp())) {
            JsonNode node = monitor.run("{'execute': 'query-block'}").get(0).get("inserted");
            assertEquals("qcow2", node.get("drv").textValue());
            assertEquals(8 << 20, node.get("image").get("virtual-size").longValue());
            guest("read -P 7 1M 3M", "write -P 9 1500k 100k", "write -P 8 5M 1M", "flush");
            monitor.run("{'execute': 'block-dirty-bitmap-add', 'arguments': {'node': 'drive0', 'name': 'b',"
                    + " 'persistent': true}}");
            // The format follows the drive's.
            backup(monitor, "'sync': 'full', 'target': '" + path("full") + "'");
            guest("write -P 3 2M 10k", "discard 5M 512k", "write -z 3M 128k", "read -P 9 1500k 100k");
            Tool.run("qemu-img", "create", "-q", "-f", "qcow2", "-b", "full", "-F", "qcow2", path("inc"))
                    .success();
            backup(
                    monitor,
                    "'sync': 'incremental', 'bitmap': 'b', 'mode': 'existing', 'target': '" + path("inc") + "'");
            guest("write -P 4 7M 64k");
        }

        Tool.run("qemu-img", "check", "-f", "qcow2", path("inc")).success();
        String check = Tool.run("qemu-img", "check", "-f", "qcow2", path("drive.qcow2"))
                .success();
        assertTrue(check.contains("No errors were found"), check);
        Tool.run("qemu-io", "-f", "qcow2", path("inc"), "-c", "write -P 4 7M 64k")
                .success();
        Tool.run("qemu-img", "compare", "-f", "qcow2", "-F", "qcow2", path("drive.qcow2"), path("inc"))
                .success();
        try (CaptureRole _ = start();
                QmpClient monitor = QmpClient.negotiated(qmp())) {
            JsonNode bitmap = monitor.run("{'execute': 'query-block'}")
                    .get(0)
                    .get("inserted")
                    .get("dirty-bitmaps")
                    .get(0);
            assertFalse(bitmap.has("inconsistent"), bitmap::toString);
            assertEquals(65_536, bitmap.get("count").longValue());
        }
    }

    @Test
    void shouldSayWhatADriveMayBe() {
        assertRefused("d=x,format=vmdk", "which can't be captured; expected raw, qcow2 or nbd");
        assertRefused("d=x,backing=on", "expected format=qcow2");
        assertEquals(
                DriveArgument.Format.QCOW2,
                DriveArgument.parse("d=x,format=qcow2").format());
        assertEquals(DriveArgument.Format.RAW, DriveArgument.parse("d=x").format());
    }

    private static void assertRefused(String argument, String reason) {
        IllegalArgumentException e = assertThrows(IllegalArgumentException.class, () -> DriveArgument.parse(argument));
        assertTrue(String.valueOf(e.getMessage()).contains(reason), e.toString());
    }
}
