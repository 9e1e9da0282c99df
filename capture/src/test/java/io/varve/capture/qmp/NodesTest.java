package io.varve.capture.qmp;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import io.varve.capture.CaptureRole;
import io.varve.capture.ServerConfig;
import io.varve.capture.backend.UpstreamServer;
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

/** Nodes that come and go while the agent runs. */
class NodesTest {
    @TempDir
    private Path folder;

    private final StringBuilder console = new StringBuilder();
    private CaptureRole role;
    private QmpClient monitor;

    @BeforeEach
    void start() throws Exception {
        image("drive.qcow2", "16M");
        image("base.qcow2", "16M");
        Files.writeString(
                folder.resolve("config.json"),
                text("{'name': 'nodes', 'qmp': '@/qmp', 'nbd': '@/nbd', 'drives': [{'id': 'drive0',"
                        + " 'node-name': 'node0', 'file': '@/drive.qcow2', 'format': 'qcow2', 'opts': {}}]}"));
        open();
    }

    private void open() throws IOException {
        role = CaptureRole.start(
                ServerConfig.read(folder.resolve("config.json"), "varve test"),
                new AgentSurroundings(
                        new ExportRegistry(),
                        InstantSource.system(),
                        System::nanoTime,
                        new SecureRandom(),
                        new UUID(3, 4)),
                console::append);
        monitor = QmpClient.negotiated(new NbdAddress.Unix(folder.resolve("qmp").toString()));
    }

    @AfterEach
    void stop() throws IOException {
        role.close();
    }

    private String text(String quoted) {
        return quoted.replace("@", folder.toString()).replace('\'', '"');
    }

    private void image(String name, String size) throws Exception {
        Tool.run("qemu-img", "create", "-f", "qcow2", folder.resolve(name).toString(), size)
                .success();
    }

    private JsonNode run(String command, String arguments) {
        return monitor.run(text("{'execute': '" + command + "', 'arguments': {" + arguments + "}}"));
    }

    private String refused(String command, String arguments) {
        return monitor.refused(text("{'execute': '" + command + "', 'arguments': {" + arguments + "}}"));
    }

    private void io(String node, String command) {
        run("human-monitor-command", "'command-line': 'qemu-io " + node + " \\\"" + command + "\\\"'");
    }

    private void addBase(String more) {
        run(
                "blockdev-add",
                "'driver': 'qcow2', 'node-name': 'Base.1', 'file': {'driver': 'file', 'filename':" + " '@/base.qcow2'}"
                        + more);
    }

    private JsonNode node(String name) {
        for (JsonNode node : monitor.run("{'execute': 'query-named-block-nodes'}")) {
            if (node.path("node-name").asText().equals(name)) {
                return node;
            }
        }
        throw new AssertionError("no node " + name);
    }

    @Test
    void shouldTrackANodeFromItsFirstBitmapOnUntilItGoes() {
        addBase("");
        io("Base.1", "write -P 1 0 64k");
        run("block-dirty-bitmap-add", "'node': 'Base.1', 'name': 'b', 'persistent': true");
        run("block-dirty-bitmap-add", "'node': 'Base.1', 'name': 'lost'");
        io("Base.1", "write -P 2 1M 128k");
        assertEquals(131_072, node("Base.1").at("/dirty-bitmaps/1/count").asLong());

        run("blockdev-del", "'node-name': 'Base.1'");
        addBase("");

        JsonNode bitmaps = node("Base.1").path("dirty-bitmaps");
        assertEquals(1, bitmaps.size(), bitmaps::toString);
        assertEquals(131_072, bitmaps.path(0).path("count").asLong());
        assertFalse(console.toString().contains("failed"), console::toString);
    }

    @Test
    void shouldRefuseInTheWordsOfQemu() {
        addBase("");
        run("blockdev-add", "'driver': 'raw', 'node-name': 'top', 'file': 'Base.1'");

        assertEquals("Block device Base.1 is in use", refused("blockdev-del", "'node-name': 'Base.1'"));
        assertEquals("Node node0 is in use", refused("blockdev-del", "'node-name': 'node0'"));
        assertEquals("Failed to find node with node-name='zz'", refused("blockdev-del", "'node-name': 'zz'"));
        String file = ", 'file': {'driver': 'file', 'filename': '@/none'}";
        assertEquals(
                "Duplicate nodes with node-name='top'",
                refused("blockdev-add", "'driver': 'raw', 'node-name': 'top'" + file));
        assertEquals(
                "node-name=drive0 is conflicting with a device id",
                refused("blockdev-add", "'driver': 'raw', 'node-name': 'drive0'" + file));
        assertEquals(
                text("Could not open '@/none': No such file or directory").replace('"', '\''),
                refused("blockdev-add", "'driver': 'raw', 'node-name': 'new'" + file));
        assertEquals("Node 'zz' not found", refused("block-dirty-bitmap-remove", "'node': 'zz', 'name': 'b'"));
        assertEquals("Dirty bitmap 'b' not found", refused("block-dirty-bitmap-remove", "'node': 'top', 'name': 'b'"));
        assertEquals("Parameter 'file' is missing", refused("blockdev-add", "'driver': 'raw', 'node-name': 'new'"));
    }

    @Test
    void shouldGrowATrackedDriveAndSeeWritesBehindItsOldEnd() {
        run("block-dirty-bitmap-add", "'node': 'node0', 'name': 'b'");
        io("drive0", "write 0 64k");

        run("block_resize", "'device': 'drive0', 'size': 33554432");
        io("drive0", "write 24M 64k");

        JsonNode drive = node("node0");
        assertEquals(33_554_432, drive.at("/image/virtual-size").asLong());
        assertEquals(131_072, drive.at("/dirty-bitmaps/0/count").asLong(), drive::toString);
        assertEquals(
                "The new size must be a multiple of 512",
                refused("block_resize", "'device': 'drive0', 'size': 33554433"));
        assertTrue(console.toString().contains("wrote 65536/65536 bytes at offset 25165824"), console::toString);
    }

    @Test
    void shouldReopenANodeForWriting() {
        addBase(", 'read-only': true");
        io("Base.1", "write 0 64k");
        assertTrue(console.toString().contains("failed"), console::toString);
        console.setLength(0);

        run(
                "blockdev-reopen",
                "'options': [{'driver': 'qcow2', 'node-name': 'Base.1', 'read-only': false, 'file': {'driver': 'file',"
                        + " 'filename': '@/base.qcow2'}}]");
        io("Base.1", "write -P 5 0 64k");
        io("Base.1", "read -P 5 0 64k");

        assertFalse(console.toString().contains("failed"), console::toString);
    }

    @Test
    void shouldBackUpToANodeWhoseBitmapSeesIt() {
        addBase("");
        run("block-dirty-bitmap-add", "'node': 'Base.1', 'name': 'seen'");
        io("drive0", "write -P 7 0 64k");

        run("blockdev-backup", "'device': 'drive0', 'target': 'Base.1', 'sync': 'full', 'job-id': 'j'");
        JsonNode end = monitor.jobEnd("j");

        assertFalse(end.path("data").has("error"), end::toString);
        io("Base.1", "read -P 7 0 64k");
        assertFalse(console.toString().contains("failed"), console::toString);
        assertTrue(node("Base.1").at("/dirty-bitmaps/0/count").asLong() >= 65_536);
    }

    @Test
    void shouldHaveAPartOfAFileForADrive() throws Exception {
        Path whole = folder.resolve("whole.raw");
        Tool.run("qemu-img", "create", "-f", "raw", whole.toString(), "2M").success();
        String raw = "'driver': 'raw', 'node-name': 'part', 'file': {'driver': 'file', 'filename': '@/whole.raw'}";
        run("blockdev-add", raw + ", 'offset': 1048576, 'size': 65536");
        run("block-dirty-bitmap-add", "'node': 'part', 'name': 'b'");
        io("part", "write -P 9 0 64k");
        io("part", "write -P 9 64k 512");

        assertEquals(65_536, node("part").at("/image/virtual-size").asLong());
        assertEquals(65_536, node("part").at("/dirty-bitmaps/0/count").asLong());
        assertEquals(
                "write failed: Input/output error",
                console.toString().lines().toList().getLast());
        assertTrue(refused("blockdev-reopen", "'options': [{" + raw + "}]").contains("another name"));
        run("blockdev-del", "'node-name': 'part'");

        assertEquals(
                "Offset (4194304) cannot be greater than size of the containing file (2097152)",
                refused("blockdev-add", raw + ", 'offset': 4194304"));
        assertEquals(
                "Specified size is not multiple of 512", refused("blockdev-add", raw + ", 'offset': 0, 'size': 1000"));

        console.setLength(0);
        String other = raw.replace("'part'", "'moved'");
        run("blockdev-add", other + ", 'offset': 1048576");
        io("moved", "read -P 9 0 64k");
        run("blockdev-reopen", "'options': [{" + other + "}]");
        io("moved", "read -P 0 0 1M");
        io("moved", "read -P 9 1M 64k");
        assertFalse(console.toString().contains("failed"), console::toString);
    }

    @Test
    void shouldReadTheFileOfAnotherNode() {
        run("blockdev-add", "'driver': 'file', 'node-name': 'bytes', 'filename': '@/base.qcow2'");
        run("blockdev-add", "'driver': 'qcow2', 'node-name': 'Base.1', 'file': 'bytes'");
        run("blockdev-add", "'driver': 'raw', 'node-name': 'same', 'file': 'bytes', 'read-only': true");

        io("Base.1", "write -P 7 0 64k");
        io("same", "read -P 81 0 1"); // The Q of its magic.
        assertFalse(console.toString().contains("failed"), console::toString);

        run("blockdev-del", "'node-name': 'Base.1'");
        run("blockdev-del", "'node-name': 'same'");
        run("blockdev-del", "'node-name': 'bytes'");
        addBase("");
        io("Base.1", "read -P 7 0 64k");
        assertFalse(console.toString().contains("failed"), console::toString);
    }

    @Test
    void shouldCancelABackupWhoseTargetsServerIsAway() throws Exception {
        io("drive0", "write -P 7 0 16M");
        Path far = folder.resolve("far.raw");
        Tool.run("qemu-img", "create", "-f", "raw", far.toString(), "16M").success();
        try (UpstreamServer server = UpstreamServer.qemu(folder.resolve("far.sock"), far)) {
            run(
                    "blockdev-add",
                    "'driver': 'raw', 'node-name': 'far', 'file': {'driver': 'nbd', 'reconnect-delay': 3600, 'server':"
                            + " {'type': 'unix', 'path': '@/far.sock'}}");
            run(
                    "blockdev-backup",
                    "'device': 'drive0', 'target': 'far', 'sync': 'full', 'job-id': 'j', 'speed': 65536");
        }
        run("block-job-set-speed", "'device': 'j', 'speed': 0");

        run("block-job-cancel", "'device': 'j'");

        assertEquals("BLOCK_JOB_CANCELLED", monitor.jobEnd("j").path("event").asText());
        monitor.gone("j");
        run("blockdev-del", "'node-name': 'far'");
    }
}
