package io.varve.capture.qmp;

import static org.junit.jupiter.api.Assertions.assertFalse;
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
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.SecureRandom;
import java.time.InstantSource;
import java.util.List;
import java.util.Optional;
import java.util.UUID;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** A Linux guest that makes a file system on a drive and writes to it, while the drive is backed up. */
@Timeout(300)
class LinuxGuestTest {
    @TempDir
    private Path folder;

    private LiveAgent live;
    private QmpClient monitor;

    @BeforeEach
    void start() throws IOException {
        live = LiveAgent.start(folder, 64 << 20, "drive0");
        monitor = live.monitor();
    }

    @AfterEach
    void stop() throws IOException {
        monitor.close();
        live.close();
    }

    @Test
    void shouldServeTheDriveOfAGuest() throws Exception {
        beginChain();
        try (LinuxGuest guest = LinuxGuest.onVirtualDisk(folder, folder.resolve("nbd.sock"), "drive0")) {
            guest.await("writing");
            increment("running.qcow2", "full.qcow2");
            guest.awaitPowerOff();
        }
        increment("ended.qcow2", "running.qcow2");

        LinuxGuest.assertIsWritten(live.image("drive0"));
        assertIsDrive("ended.qcow2");
        assertIsAnInstantOfAFileSystem("running.qcow2");
    }

    /** QEMU connects again, and sends again what wasn't answered: the guest only waits. */
    @Test
    void shouldGoOnWithAGuestAfterARestart() throws Exception {
        beginChain();
        try (LinuxGuest guest = LinuxGuest.onVirtualDisk(folder, folder.resolve("nbd.sock"), "drive0")) {
            guest.await("writing");
            stop();
            start();
            guest.awaitPowerOff();
        }
        increment("ended.qcow2", "full.qcow2");

        LinuxGuest.assertIsWritten(live.image("drive0"));
        assertIsDrive("ended.qcow2");
    }

    @Test
    void shouldServeTheKernelsOwnClient() throws Exception {
        try (LinuxGuest guest = LinuxGuest.onKernelsNbd(folder, live.tcpPort(), "drive0")) {
            guest.awaitPowerOff();
        }

        LinuxGuest.assertIsWritten(live.image("drive0"));
    }

    @Test
    void shouldServeAQcow2Drive() throws Exception {
        Path own = Files.createDirectory(folder.resolve("qcow2"));
        String image = own.resolve("drive.qcow2").toString();
        Tool.run("qemu-img", "create", "-q", "-f", "qcow2", image, "64M").success();
        try (CaptureRole _ = qcow2Agent(own, image);
                LinuxGuest guest = LinuxGuest.onVirtualDisk(own, own.resolve("nbd.sock"), "drive0")) {
            guest.awaitPowerOff();
        }

        String checked = Tool.run("qemu-img", "check", "-f", "qcow2", image).success();
        assertTrue(checked.contains("No errors"), checked);
        Path raw = own.resolve("drive.raw");
        Tool.run("qemu-img", "convert", "-f", "qcow2", "-O", "raw", image, raw.toString())
                .success();
        LinuxGuest.assertIsWritten(raw);
    }

    private static CaptureRole qcow2Agent(Path own, String image) throws IOException {
        NbdAddress nbd = new NbdAddress.Unix(own.resolve("nbd.sock").toString());
        CaptureConfig config = new CaptureConfig(
                AgentOptions.in(own.resolve("state"), own.resolve("live"), nbd.toString()),
                List.of(nbd),
                Optional.empty(),
                List.of(),
                CaptureConfig.planOf(List.of(DriveArgument.parse("drive0=" + image + ",format=qcow2"))),
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

    private void beginChain() {
        monitor.run("{'execute': 'transaction', 'arguments': {'actions': [{'type': 'block-dirty-bitmap-add',"
                + " 'data': {'node': 'drive0', 'name': 'b', 'persistent': true}}, {'type': 'drive-backup', 'data':"
                + " {'device': 'drive0', 'sync': 'full', 'format': 'qcow2', 'target': '" + path("full.qcow2")
                + "'}}]}}");
        assertSucceeds();
    }

    private void assertIsDrive(String image) throws Exception {
        String drive = live.image("drive0").toString();
        String compared = Tool.run("qemu-img", "compare", "-f", "raw", "-F", "qcow2", drive, path(image))
                .success();
        assertTrue(compared.contains("identical"), compared);
    }

    /** As after a power failure: its journal makes it whole, and nothing is beyond that. */
    private void assertIsAnInstantOfAFileSystem(String image) throws Exception {
        String raw = path("instant.raw");
        Tool.run("qemu-img", "convert", "-f", "qcow2", "-O", "raw", path(image), raw)
                .success();
        // Preening ends with 4 or more when there's something to decide.
        Tool.Result preened = Tool.run("/sbin/e2fsck", "-fp", raw);
        assertTrue(preened.exitCode() <= 1, preened::output);
        Tool.run("/sbin/e2fsck", "-fn", raw).success();
    }

    private void increment(String image, String backing) throws Exception {
        Tool.run("qemu-img", "create", "-q", "-f", "qcow2", "-b", backing, "-F", "qcow2", path(image))
                .success();
        monitor.run("{'execute': 'drive-backup', 'arguments': {'device': 'drive0', 'sync': 'incremental',"
                + " 'bitmap': 'b', 'format': 'qcow2', 'mode': 'existing', 'target': '" + path(image) + "'}}");
        assertSucceeds();
    }

    private void assertSucceeds() {
        JsonNode end = monitor.jobEnd("drive0");
        assertFalse(end.get("data").has("error"), end::toString);
        monitor.gone("drive0");
    }

    private String path(String name) {
        return folder.resolve(name).toString();
    }
}
