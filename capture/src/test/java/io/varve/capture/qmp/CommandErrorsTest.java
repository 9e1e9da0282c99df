package io.varve.capture.qmp;

import static org.junit.jupiter.api.Assertions.assertEquals;

import com.fasterxml.jackson.databind.JsonNode;
import io.varve.core.id.BitmapName;
import java.io.IOException;
import java.nio.file.Path;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What commands are refused with, in QEMU 7.2's words. */
class CommandErrorsTest {
    @TempDir
    private Path folder;

    private LiveAgent live;
    private QmpClient monitor;

    @BeforeEach
    void start() throws IOException {
        live = LiveAgent.start(folder, 1 << 20, "drive0", "drive1");
        monitor = live.monitor();
        monitor.run("{'execute': 'block-dirty-bitmap-add', 'arguments': {'node': 'drive0', 'name': 'b'}}");
    }

    @AfterEach
    void stop() throws IOException {
        monitor.close();
        live.close();
    }

    @Test
    void shouldCheckArgumentsBeforeAllElse() {
        expect("Parameter 'node' is missing", "block-dirty-bitmap-add", "{'name': 'x'}");
        expect("Parameter 'name' is missing", "block-dirty-bitmap-add", "{'node': 'zzz'}");
        expect("Parameter 'bogus' is unexpected", "block-dirty-bitmap-add", "{'node': 'zz', 'name': 'x', 'bogus': 1}");
        expect(
                "Invalid parameter type for 'name', expected: string",
                "block-dirty-bitmap-add",
                "{'node': 'zz', 'name': 1}");
        expect(
                "Invalid parameter type for 'persistent', expected: boolean",
                "block-dirty-bitmap-add",
                "{'node': 'zz', 'name': 'x', 'persistent': 'yes'}");
        for (String outside : new String[] {"-1", "4294967296"}) {
            expect(
                    "Parameter 'granularity' expects uint32_t",
                    "block-dirty-bitmap-add",
                    "{'node': 'zz', 'name': 'x', 'granularity': " + outside + "}");
        }
        for (String wrong : new String[] {"'big'", "1.5", "1e400", "99999999999999999999", "null"}) {
            expect(
                    "Parameter 'granularity' expects uint64",
                    "block-dirty-bitmap-add",
                    "{'node': 'zz', 'name': 'x', 'granularity': " + wrong + "}");
        }
        expect("Parameter 'sync' does not accept value 'weird'", "drive-backup", backup("'sync': 'weird'"));
        expect(
                "Invalid parameter type for 'speed', expected: integer",
                "drive-backup",
                backup("'sync': 'full', 'speed': '1'"));
        expect("Parameter 'x' is unexpected", "query-version", "{'x': 1}");
    }

    @Test
    void shouldNameArgumentsOfActionsByTheirPlace() {
        expect("Parameter 'actions' is missing", "transaction", "{}");
        expect("Invalid parameter type for 'actions', expected: array", "transaction", "{'actions': {}}");
        expect("Parameter 'actions[0].type' is missing", "transaction", "{'actions': [{'data': {}}]}");
        expect("Parameter 'type' does not accept value 'bogus'", "transaction", action("bogus", "{}"));
        expect("Parameter 'actions[0].data' is missing", "transaction", "{'actions': [{'type': 'abort'}]}");
        expect(
                "Parameter 'actions[0].data.name' is missing",
                "transaction",
                action("block-dirty-bitmap-clear", "{'node': 'drive0'}"));
        expect(
                "Invalid parameter type for 'null', expected: BlockDirtyBitmapOrStr",
                "block-dirty-bitmap-merge",
                "{'node': 'drive0', 'target': 'b', 'bitmaps': ['b', 7]}");
        expect(
                "Parameter 'bitmaps[0].name' is missing",
                "block-dirty-bitmap-merge",
                "{'node': 'drive0', 'target': 'b', 'bitmaps': [{'node': 'drive0'}]}");
    }

    @Test
    void shouldRefuseWhatIsNotThere() {
        expect(
                "Cannot find device='zzz' nor node-name='zzz'",
                "block-dirty-bitmap-add",
                "{'node': 'zzz', 'name': 'x'}");
        expect("Node 'zz' not found", "block-dirty-bitmap-clear", "{'node': 'zz', 'name': 'x'}");
        expect("Dirty bitmap 'nope' not found", "block-dirty-bitmap-remove", "{'node': 'drive0', 'name': 'nope'}");
        expect(
                "Dirty bitmap 'nope' not found",
                "block-dirty-bitmap-merge",
                "{'node': 'drive0', 'target': 'b', 'bitmaps': ['nope']}");
        expect("Bitmap 'nope' could not be found", "drive-backup", backup("'sync': 'incremental', 'bitmap': 'nope'"));
        expect(
                "Cannot find device='Zz' nor node-name='Zz'",
                "drive-backup",
                "{'device': 'Zz', 'target': '/dev/null/x', 'sync': 'full'}");
    }

    @Test
    void shouldRefuseBadBitmaps() {
        expect("Bitmap already exists: b", "block-dirty-bitmap-add", "{'node': 'drive0', 'name': 'b'}");
        expect("Bitmap name cannot be empty", "block-dirty-bitmap-add", "{'node': 'drive0', 'name': ''}");
        String tooLong = "x".repeat(BitmapName.MAX_BYTES + 1);
        expect(
                "Bitmap name too long: " + tooLong,
                "block-dirty-bitmap-add",
                "{'node': 'drive0', 'name': '" + tooLong + "'}");
        expect(
                "Granularity must be power of 2 and at least 512",
                "block-dirty-bitmap-add",
                "{'node': 'drive0', 'name': 'x', 'granularity': 1000}");
        monitor.run("{'execute': 'block-dirty-bitmap-merge',"
                + " 'arguments': {'node': 'drive0', 'target': 'b', 'bitmaps': []}}");
    }

    @Test
    void shouldFollowTheMatrixOfSyncAndBitmapMode() {
        expect(
                "must provide a valid bitmap name for 'incremental' sync mode",
                "drive-backup",
                backup("'sync': 'incremental'"));
        expect(
                "Bitmap sync mode must be 'on-success' when using sync mode 'incremental'",
                "drive-backup",
                backup("'sync': 'incremental', 'bitmap': 'b', 'bitmap-mode': 'never'"));
        expect(
                "Bitmap sync mode must be given when providing a bitmap",
                "drive-backup",
                backup("'sync': 'full', 'bitmap': 'b'"));
        expect(
                "Bitmap sync mode 'never' has no meaningful effect when combined with sync mode 'full'",
                "drive-backup",
                backup("'sync': 'full', 'bitmap': 'b', 'bitmap-mode': 'never'"));
        expect(
                "Cannot specify bitmap sync mode without a bitmap",
                "drive-backup",
                backup("'sync': 'full', 'bitmap-mode': 'always'"));
        expect("Invalid job ID '1bad'", "drive-backup", backup("'sync': 'full', 'job-id': '1bad'"));
        expect("Parameter 'speed' expects a non-negative value", "drive-backup", backup("'sync': 'full', 'speed': -1"));
        expect(
                "max-workers must be between 1 and 2147483647",
                "drive-backup",
                backup("'sync': 'full', 'x-perf': {'max-workers': 0}"));
        expect(
                "Required max-chunk (512) is less than backup cluster size (65536)",
                "drive-backup",
                backup("'sync': 'full', 'x-perf': {'max-chunk': 512}"));
        expect(
                "Compression is not supported for this drive ",
                "drive-backup",
                backup("'sync': 'full', 'compress': true"));
    }

    @Test
    void shouldDoAllOrNothing() {
        String add = "{'type': 'block-dirty-bitmap-add', 'data': {'node': 'drive0', 'name': 'new'}}";
        expect(
                "Transaction aborted using Abort action",
                "transaction",
                "{'actions': [" + add + ", {'type': 'abort', 'data': {}}]}");
        expect(
                "Action 'block-dirty-bitmap-add' does not support Transaction property completion-mode = grouped",
                "transaction",
                "{'properties': {'completion-mode': 'grouped'}, 'actions': [" + add + "]}");
        expect(
                "Could not create '/dev/null/x': Not a directory",
                "transaction",
                "{'actions': [" + add + ", {'type': 'drive-backup', 'data':"
                        + " {'device': 'drive0', 'sync': 'full', 'target': '/dev/null/x'}}]}");
        expect("Dirty bitmap 'new' not found", "block-dirty-bitmap-clear", "{'node': 'drive0', 'name': 'new'}");
        monitor.run("{'execute': 'transaction', 'arguments': {'actions': []}}");
    }

    @Test
    void shouldListTheNewestBitmapFirst() {
        for (String name : new String[] {"z", "a", "m"}) {
            monitor.run("{'execute': 'block-dirty-bitmap-add', 'arguments': {'node': 'drive0', 'name': '" + name
                    + "', 'disabled': true}}");
        }

        JsonNode bitmaps =
                monitor.run("{'execute': 'query-block'}").get(0).get("inserted").get("dirty-bitmaps");

        StringBuilder names = new StringBuilder();
        bitmaps.forEach(bitmap -> names.append(bitmap.get("name").textValue()));
        assertEquals("mazb", names.toString());
        assertEquals(
                "{\"name\":\"m\",\"recording\":false,\"persistent\":false,\"busy\":false,\"granularity\":65536,"
                        + "\"count\":0}",
                bitmaps.get(0).toString());
    }

    private void expect(String description, String command, String arguments) {
        assertEquals(description, monitor.refused("{'execute': '" + command + "', 'arguments': " + arguments + "}"));
    }

    private static String action(String type, String data) {
        return "{'actions': [{'type': '" + type + "', 'data': " + data + "}]}";
    }

    private String backup(String arguments) {
        return "{'device': 'drive0', 'target': '" + folder.resolve("target") + "', " + arguments + "}";
    }
}
