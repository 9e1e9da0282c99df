package io.varve.capture.qmp;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import io.varve.capture.CaptureRole;
import io.varve.capture.ServerConfig;
import io.varve.capture.nbd.ExportRegistry;
import io.varve.capture.tracking.AgentSurroundings;
import io.varve.core.Tool;
import io.varve.formats.nbd.NbdAddress;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.SecureRandom;
import java.time.InstantSource;
import java.util.UUID;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * A third party pulls points in time and increments with nothing but QMP and NBD, while a guest (fio) writes. The
 * reference is what the agent's own push backup of the same transaction holds, and a pull while the writer pauses.
 */
class PullModelTest {
    private static final String SIZE = "64M";
    private static final String NEW_BITMAPS = "{'type': 'block-dirty-bitmap-add', 'data': {'node': 'drive0', 'name': ";

    @TempDir
    private Path folder;

    private CaptureRole role;
    private QmpClient monitor;

    @BeforeEach
    void start() throws Exception {
        tool("qemu-img", "create", "-q", "-f", "qcow2", "@/drive.qcow2", SIZE);
        tool("qemu-io", "-f", "qcow2", "-c", "write -P 17 0 64M", "@/drive.qcow2");
        Files.writeString(
                folder.resolve("config.json"),
                text("{'name': 'pull', 'qmp': '@/qmp', 'nbd': '@/nbd', 'drives': [{'id': 'drive0',"
                        + " 'node-name': 'node0', 'file': '@/drive.qcow2', 'format': 'qcow2', 'opts': {}}],"
                        + " 'devices': [{'driver': 'scsi-hd', 'id': 'sda', 'drive': 'node0'}]}"));
        role = CaptureRole.start(
                ServerConfig.read(folder.resolve("config.json"), "varve test"),
                new AgentSurroundings(
                        new ExportRegistry(),
                        InstantSource.system(),
                        System::nanoTime,
                        new SecureRandom(),
                        new UUID(3, 4)),
                _ -> {});
        monitor = QmpClient.negotiated(new NbdAddress.Unix(folder.resolve("qmp").toString()));
    }

    @AfterEach
    void stop() throws IOException {
        role.close();
    }

    private String text(String quoted) {
        return quoted.replace("@", folder.toString()).replace('\'', '"');
    }

    private JsonNode run(String command, String arguments) {
        return monitor.run(text("{'execute': '" + command + "', 'arguments': {" + arguments + "}}"));
    }

    private String tool(String... command) throws Exception {
        for (int index = 0; index < command.length; index++) {
            command[index] = command[index].replace("@", folder.toString());
        }
        return Tool.run(command).success();
    }

    /** Writes all over the drive, as fast as it can. */
    private Process guest(String export) throws IOException {
        return new ProcessBuilder(
                        "fio",
                        "--name=guest",
                        "--ioengine=nbd",
                        "--uri=nbd+unix:///" + export + "?socket=" + folder.resolve("nbd"),
                        "--rw=randwrite",
                        "--bs=4k-128k",
                        "--iodepth=8",
                        "--size=" + SIZE,
                        "--time_based",
                        "--runtime=60",
                        "--randrepeat=0",
                        "--verify=0")
                .directory(folder.toFile())
                .redirectErrorStream(true)
                .redirectOutput(folder.resolve("fio.log").toFile())
                .start();
    }

    /** A guest that has written since {@code bitmap} began; bounded by the test tool's own time. */
    private void awaitWrites(String bitmap) throws InterruptedException {
        long deadline = System.nanoTime() + 30_000_000_000L;
        while (dirtyBytes(bitmap) < 4 << 20) {
            assertTrue(System.nanoTime() < deadline, "fio writes nothing");
            Thread.sleep(5);
        }
    }

    /** While a job runs its filter is under the device, and bitmaps are its node's. */
    private long dirtyBytes(String bitmap) {
        for (JsonNode node : monitor.run("{\"execute\": \"query-named-block-nodes\"}")) {
            for (JsonNode each : node.path("dirty-bitmaps")) {
                if (each.path("name").asText().equals(bitmap)) {
                    return each.path("count").asLong();
                }
            }
        }
        throw new AssertionError("no bitmap " + bitmap);
    }

    private static void end(Process process) throws InterruptedException {
        process.destroy();
        int _ = process.waitFor();
    }

    private void overlay(String name) throws Exception {
        tool("qemu-img", "create", "-q", "-f", "qcow2", "@/" + name, SIZE);
        run(
                "blockdev-add",
                "'driver': 'qcow2', 'node-name': '" + name + "', 'file': {'driver': 'file', 'filename': '@/" + name
                        + "'}, 'backing': 'node0'");
    }

    private static String fleece(String overlay) {
        return "{'type': 'blockdev-backup', 'data': {'device': 'drive0', 'target': '" + overlay
                + "', 'sync': 'none', 'job-id': 'job-" + overlay + "'}}";
    }

    private static String push(String file, String sync) {
        return "{'type': 'drive-backup', 'data': {'device': 'drive0', 'target': '@/" + file
                + "', 'format': 'qcow2', 'job-id': '" + file + "', " + sync + "}}";
    }

    private String uri(String export) {
        return "nbd+unix:///" + export + "?socket=" + folder.resolve("pull");
    }

    private void serve() {
        run("nbd-server-start", "'addr': {'type': 'unix', 'data': {'path': '@/pull'}}");
    }

    @Test
    void shouldPullAFullAndAnIncrementWhileTheGuestWrites() throws Exception {
        run("block-dirty-bitmap-add", "'node': 'drive0', 'name': 'b0'");
        serve();
        overlay("t1");
        overlay("t2");
        Process guest = guest("drive0");
        try {
            awaitWrites("b0");
            run(
                    "transaction",
                    "'actions': [" + NEW_BITMAPS + "'b1'}}, " + fleece("t1") + ", " + push("ref1", "'sync': 'full'")
                            + "]");
            run("block-export-add", "'type': 'nbd', 'id': 'e1', 'node-name': 't1', 'name': 'full'");
            tool("nbdcopy", uri("full"), "@/full.raw");
            tool("qemu-img", "convert", "-f", "raw", "-O", "qcow2", uri("full"), "@/full.qcow2");
            assertEquals("", monitor.gone("ref1").path("data").path("error").asText());

            awaitWrites("b1");
            run(
                    "transaction",
                    "'actions': [" + NEW_BITMAPS + "'b2'}}, {'type': 'block-dirty-bitmap-disable', 'data': {'node':"
                            + " 'drive0', 'name': 'b1'}}, " + fleece("t2") + ", " + push("ref2", "'sync': 'full'")
                            + "]");
            run(
                    "block-export-add",
                    "'type': 'nbd', 'id': 'e2', 'node-name': 't2', 'name': 'increment', 'bitmaps': ['b1']");
            awaitWrites("b2");
            Files.copy(folder.resolve("full.raw"), folder.resolve("restored.raw"));
            pullIncrement("increment", "b1", "restored.raw");
            monitor.gone("ref2");
            assertTrue(guest.isAlive(), Files.readString(folder.resolve("fio.log")));
        } finally {
            end(guest);
        }
        same("full.raw", "raw", "ref1");
        same("full.qcow2", "qcow2", "ref1");
        same("restored.raw", "raw", "ref2");
        assertEquals(
                "Bitmap 'b1' is currently in use by another operation and cannot be used",
                monitor.refused(text("{'execute': 'block-dirty-bitmap-remove', 'arguments': {'node': 'drive0', 'name':"
                        + " 'b1'}}")));
        run("nbd-server-stop", "");
        run("block-dirty-bitmap-remove", "'node': 'drive0', 'name': 'b1'");
        for (String overlay : new String[] {"t1", "t2"}) {
            run("block-job-cancel", "'device': 'job-" + overlay + "'");
            monitor.gone("job-" + overlay);
            run("blockdev-del", "'node-name': '" + overlay + "'");
        }
    }

    /** Reads what the bitmap names, as a client does that knows nothing of Varve. */
    private void pullIncrement(String export, String bitmap, String into) throws Exception {
        String map = tool(
                "qemu-img",
                "map",
                "--output=json",
                "--image-opts",
                "driver=nbd,export=" + export + ",server.type=unix,server.path=@/pull,x-dirty-bitmap=qemu:dirty-bitmap:"
                        + bitmap);
        for (JsonNode extent : new com.fasterxml.jackson.databind.ObjectMapper().readTree(map)) {
            if (!extent.path("data").asBoolean()) {
                copy(
                        export,
                        into,
                        extent.path("start").asLong(),
                        extent.path("length").asLong());
            }
        }
    }

    private void copy(String export, String into, long offsetBytes, long lengthBytes) throws Exception {
        String piece = "@/piece";
        tool(
                "qemu-img",
                "dd",
                "-f",
                "raw",
                "-O",
                "raw",
                "bs=65536",
                "skip=" + offsetBytes / 65536,
                "count=" + (offsetBytes + lengthBytes) / 65536,
                "if=" + uri(export),
                "of=" + piece);
        tool(
                "dd",
                "status=none",
                "conv=notrunc",
                "bs=65536",
                "seek=" + offsetBytes / 65536,
                "if=" + piece,
                "of=@/" + into);
    }

    private void same(String image, String format, String reference) throws Exception {
        tool("qemu-img", "compare", "-f", format, "-F", "qcow2", "@/" + image, "@/" + reference);
    }

    @Test
    void shouldPullAPointInTimeThroughFiltersThatComeAndGoUnderALiveGuest() throws Exception {
        tool("truncate", "-s", SIZE, "@/fleece.raw");
        run("block-dirty-bitmap-add", "'node': 'node0', 'name': 'seen'");
        serve();
        run("blockdev-add", "'driver': 'file', 'node-name': 'fleece', 'filename': '@/fleece.raw'");
        Process guest = guest("sda");
        try {
            awaitWrites("seen");
            run(
                    "blockdev-add",
                    "'driver': 'copy-before-write', 'node-name': 'cbw', 'file': 'node0', 'target': 'fleece'");
            run("qom-set", "'path': '/machine/peripheral/sda', 'property': 'drive', 'value': 'cbw'");
            run("blockdev-add", "'driver': 'snapshot-access', 'node-name': 'access', 'file': 'cbw'");
            run("nbd-server-add", "'device': 'access'");
            tool("nbdcopy", uri("access"), "@/first.raw");
            run("block-dirty-bitmap-add", "'node': 'node0', 'name': 'later'");
            awaitWrites("later");
            tool("nbdcopy", uri("access"), "@/second.raw");
            run("nbd-server-remove", "'name': 'access'");
            run("blockdev-del", "'node-name': 'access'");
            run("qom-set", "'path': '/machine/peripheral/sda', 'property': 'drive', 'value': 'node0'");
            run("blockdev-del", "'node-name': 'cbw'");
            assertTrue(guest.isAlive(), Files.readString(folder.resolve("fio.log")));
        } finally {
            end(guest);
        }
        assertEquals(-1, Files.mismatch(folder.resolve("first.raw"), folder.resolve("second.raw")));
    }
}
