package io.varve.capture.qmp;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import io.varve.core.Tool;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/**
 * Storage that doesn't answer a request: what needs that to have ended is refused after a while, and all else goes on.
 */
@Timeout(120)
class StuckStorageTest {
    @TempDir
    private Path folder;

    private ImageAgent agent;
    private QmpClient monitor;

    /** The device {@code drive0} comes over a node that waits at breaks. */
    @BeforeEach
    void start() throws Exception {
        Tool.run(
                        "qemu-img",
                        "create",
                        "-f",
                        "qcow2",
                        folder.resolve("drive.qcow2").toString(),
                        "4M")
                .success();
        Files.write(folder.resolve("slow.raw"), new byte[4 << 20]);
        agent = ImageAgent.start(folder);
        monitor = agent.monitor();
        run(
                "blockdev-add",
                "'driver': 'raw', 'node-name': 'slow', 'file': {'driver': 'blkdebug',"
                        + " 'image': {'driver': 'file', 'filename': '@/slow.raw'}}");
        run("qom-set", "'path': 'drive0', 'property': 'drive', 'value': 'slow'");
    }

    @AfterEach
    void stop() throws Exception {
        monitor.close();
        agent.close();
    }

    private String text(String command, String arguments) {
        return ("{'execute': '" + command + "', 'arguments': {" + arguments + "}}")
                .replace("@", folder.toString())
                .replace('\'', '"');
    }

    private void run(String command, String arguments) {
        JsonNode _ = monitor.run(text(command, arguments));
    }

    private String refused(String command, String arguments) {
        return monitor.refused(text(command, arguments));
    }

    private void io(String device, String line) {
        JsonNode _ = monitor.run("{\"execute\": \"human-monitor-command\", \"arguments\": {\"command-line\":"
                + " \"qemu-io " + device + " \\\"" + line + "\\\"\"}}");
    }

    @Test
    void shouldRefuseWhatNeedsAWriteToEndAndGoOn() {
        String snapshot = "'device': 'drive0', 'snapshot-file': '@/top', 'snapshot-node-name': 'top'";
        String bitmap = "'node': 'slow', 'name': 'b'";
        io("drive0", "break write_aio stuck");
        io("drive0", "aio_write 0 512");

        String why = refused("blockdev-snapshot-sync", snapshot);
        assertTrue(why.startsWith("Drive 'drive0' has writes in flight that haven't ended within 5 s"), why);
        String noBitmap = refused("block-dirty-bitmap-add", bitmap);
        assertTrue(noBitmap.contains("1 writes in flight haven't ended within 5000 ms"), noBitmap);
        assertEquals(
                "slow",
                monitor.run("{'execute': 'query-block'}")
                        .get(0)
                        .at("/inserted/node-name")
                        .asText());

        io("drive0", "remove_break stuck");
        io("drive0", "aio_flush");
        run("block-dirty-bitmap-add", bitmap);
        io("drive0", "write 0 512");
        run("blockdev-snapshot-sync", snapshot);
        assertEquals(
                65_536,
                monitor.run("{'execute': 'query-named-block-nodes'}")
                        .findValue("count")
                        .asInt());
    }

    @Test
    void shouldFailAGuestsWriteWhenItsOldContentTakesTooLong() {
        filter("break-guest-write");
        io("slow", "break write_aio stuck");

        io("drive0", "write -P 1 0 64k");
        io("drive0", "read -P 0 0 64k");
        io("slow", "remove_break stuck");
        // Now the copy that was under way can end, or is there already.
        io("drive0", "write -P 2 0 64k");
        io("access", "read -P 0 0 64k");

        assertEquals("write failed: Input/output error", agent.said("write failed"));
        assertTrue(agent.said("wrote 65536").startsWith("wrote 65536/65536"));
        assertFalse(agent.said("read").contains("failed"));
    }

    @Test
    void shouldBreakThePointInTimeInsteadWhereThatIsOrdered() {
        filter("break-snapshot");
        io("slow", "break write_aio stuck");

        io("drive0", "write -P 1 0 64k");
        io("access", "read -P 0 0 64k");
        io("slow", "remove_break stuck");

        assertTrue(agent.said("wrote 65536").startsWith("wrote 65536/65536"));
        assertEquals("read failed: Permission denied", agent.said("read failed"));
    }

    /** Old content of the image goes to the slow node, within a second or not at all. */
    private void filter(String onError) {
        run("blockdev-add", "'driver': 'null-co', 'node-name': 'file', 'size': 4194304, 'read-zeroes': true");
        run(
                "blockdev-add",
                "'driver': 'copy-before-write', 'node-name': 'filter', 'file': 'file', 'target': 'slow',"
                        + " 'on-cbw-error': '" + onError + "', 'cbw-timeout': 1");
        run("blockdev-add", "'driver': 'snapshot-access', 'node-name': 'access', 'file': 'filter'");
        run("qom-set", "'path': 'drive0', 'property': 'drive', 'value': 'filter'");
    }
}
