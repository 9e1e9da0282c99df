package io.varve.capture.qmp;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import io.varve.transfer.nbd.Durability;
import io.varve.transfer.nbd.NbdClient;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What clients of QEMU 7.2 see of a backup's filter, its dirty bitmaps, and a target that wasn't finished. */
class BackupFilterTest {
    private static final String PENDING = ", 'sync': 'incremental', 'bitmap': 'b', 'auto-finalize': false}}";

    @TempDir
    private Path folder;

    private TwoDrives drives;

    @BeforeEach
    void start() throws Exception {
        drives = new TwoDrives(folder);
    }

    @AfterEach
    void stop() throws IOException {
        drives.close();
    }

    private void write(long offsetBytes, int lengthBytes) throws IOException {
        try (NbdClient guest = drives.live.guest("drive0")) {
            guest.write(offsetBytes, ByteBuffer.allocate(lengthBytes), Durability.CACHED);
        }
    }

    private void backUp(String more) {
        drives.monitor.run(
                drives.text("{'execute': 'drive-backup', 'arguments': {'device': 'drive0', 'format': 'qcow2',"
                        + " 'target': '@/new'" + more));
    }

    /** Each bitmap of a node: its name if it has one, what it counts, and whether it records. */
    private List<String> bitmaps(JsonNode node) {
        List<String> told = new ArrayList<>();
        for (JsonNode bitmap : node.path("dirty-bitmaps")) {
            assertEquals(65_536, bitmap.get("granularity").longValue());
            told.add(
                    (bitmap.path("name").asText("-") + " " + bitmap.get("count").longValue() / 65_536
                            + (bitmap.get("recording").booleanValue() ? " records" : "")
                            + (bitmap.get("busy").booleanValue() ? " busy" : "")));
        }
        return told;
    }

    private JsonNode inserted() {
        return drives.monitor.run("{'execute': 'query-block'}").get(0).get("inserted");
    }

    private JsonNode node(String name) {
        for (JsonNode node : drives.monitor.run("{'execute': 'query-named-block-nodes'}")) {
            if (node.get("node-name").textValue().equals(name)) {
                return node;
            }
        }
        throw new AssertionError("no node " + name);
    }

    @Test
    void shouldListTheFilterAndItsBitmapsUntilTheJobIsOver() throws Exception {
        drives.add("drive0");
        String source = inserted().get("node-name").textValue();
        write(0, 65_536);
        write(1 << 20, 65_536);

        backUp(", 'filter-node-name': 'top'" + PENDING);
        drives.awaitStatus("drive0", "pending");
        write(2 << 20, 3 * 65_536);

        JsonNode filter = node("top");
        assertEquals("copy-before-write", filter.get("drv").textValue());
        assertEquals(List.of("- 64", "- 3"), bitmaps(filter));
        assertEquals(List.of("- 0", "- 3 records", "b 2 records busy"), bitmaps(node(source)));
        JsonNode inserted = inserted();
        assertEquals("top", inserted.get("node-name").textValue());
        assertEquals(1, inserted.get("backing_file_depth").intValue());
        assertEquals("raw", inserted.at("/image/backing-image/format").textValue());

        drives.monitor.run("{'execute': 'job-finalize', 'arguments': {'id': 'drive0'}}");
        drives.assertSucceeds("drive0");
        assertEquals(source, inserted().get("node-name").textValue());
        assertEquals(List.of("b 3 records"), bitmaps(inserted()));
    }

    @Test
    void shouldNameTheFilterOfAWholeBackupAndTellWhatIsLeft() throws Exception {
        write(0, 2 << 20);
        drives.images.get(0).hold();
        backUp(", 'sync': 'full'}}");

        JsonNode filter = inserted();

        assertTrue(filter.get("node-name").textValue().startsWith("#block"), filter::toString);
        assertEquals(List.of("- 64", "- 0"), bitmaps(filter));
        List<JsonNode> nodes = new ArrayList<>();
        drives.monitor.run("{'execute': 'query-named-block-nodes'}").forEach(nodes::add);
        assertTrue(nodes.stream().anyMatch(node -> bitmaps(node).equals(List.of("- 64"))), nodes::toString);
        drives.images.get(0).letGo();
        drives.assertSucceeds("drive0");
    }

    @Test
    void shouldLeaveAnEmptyFileWhereABackupWasCancelled() throws Exception {
        write(0, 2 << 20);
        drives.images.get(0).hold();
        backUp(", 'sync': 'full'}}");

        drives.monitor.run("{'execute': 'block-job-cancel', 'arguments': {'device': 'drive0'}}");
        drives.images.get(0).letGo();

        assertEquals(
                "BLOCK_JOB_CANCELLED",
                drives.monitor.jobEnd("drive0").get("event").textValue());
        drives.gone("drive0");
        assertEquals(0, Files.size(folder.resolve("new")));
        assertFalse(Files.exists(folder.resolve("new.partial")));
        // The same command again makes it.
        backUp(", 'sync': 'full'}}");
        drives.assertSucceeds("drive0");
        drives.assertIsDrive("drive0", "new");
    }
}
