package io.varve.capture.qmp;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import io.varve.core.Tool;
import io.varve.transfer.nbd.Durability;
import io.varve.transfer.nbd.NbdClient;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The commands on jobs, and what a backup can be told, with QEMU's texts, states and events. */
class JobCommandsTest {
    private static final int CHUNK_BYTES = 65536;

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
    void shouldKnowNoOtherJobs() {
        for (String verb : List.of("pause", "resume", "cancel", "complete", "finalize", "dismiss")) {
            JsonNode job = error("job-" + verb, "'id': 'zz'");
            assertEquals("GenericError", job.get("class").textValue());
            assertEquals("Job not found", job.get("desc").textValue());
        }
        for (String verb : List.of("pause", "resume", "cancel", "complete")) {
            assertNoBlockJob(error("block-job-" + verb, "'device': 'zz'"));
        }
        assertNoBlockJob(error("block-job-set-speed", "'device': 'zz', 'speed': 1"));
        assertNoBlockJob(error("block-job-finalize", "'id': 'zz'"));
        assertNoBlockJob(error("block-job-dismiss", "'id': 'zz'"));
    }

    private static void assertNoBlockJob(JsonNode error) {
        assertEquals("DeviceNotActive", error.get("class").textValue());
        assertEquals("Block job 'zz' not found", error.get("desc").textValue());
    }

    @Test
    void shouldBePausedSlowedAndEndedByWords() throws Exception {
        drives.writeSomewhere("drive0");
        backup("'job-id': 'j', 'sync': 'full', 'target': '@/t', 'format': 'qcow2', 'speed': 1,"
                + " 'x-perf': {'max-chunk': 65536}, 'auto-finalize': false, 'auto-dismiss': false");
        awaitOffset(CHUNK_BYTES);
        run("job-pause", "'id': 'j'");
        assertEquals("Job is already paused", refused("block-job-pause", "'device': 'j'"));
        assertEquals(
                "{\"auto-finalize\":false,\"io-status\":\"ok\",\"device\":\"j\",\"auto-dismiss\":false,\"busy\":false,"
                        + "\"len\":4194304,\"offset\":65536,\"status\":\"paused\",\"paused\":true,\"speed\":1,"
                        + "\"ready\":false,\"type\":\"backup\"}",
                job().toString());
        assertEquals("The block job for device 'j' is currently paused", refused("block-job-cancel", "'device': 'j'"));
        assertEquals(
                "Job 'j' in state 'paused' cannot accept command verb 'dismiss'", refused("job-dismiss", "'id': 'j'"));
        assertEquals(
                "Parameter 'speed' expects a non-negative value",
                refused("block-job-set-speed", "'device': 'j', 'speed': -1"));
        run("block-job-set-speed", "'device': 'j', 'speed': 0");
        assertEquals(CHUNK_BYTES, job().get("offset").intValue());
        run("block-job-resume", "'device': 'j'");
        assertEquals("Can't resume a job that was not paused", refused("job-resume", "'id': 'j'"));

        JsonNode pending = drives.monitor.event(e -> e.path("event").asText().equals("BLOCK_JOB_PENDING"));
        assertEquals("{\"type\":\"backup\",\"id\":\"j\"}", pending.get("data").toString());
        assertEquals("pending", job().get("status").textValue());
        assertEquals(
                "Job 'j' in state 'pending' cannot accept command verb 'pause'", refused("job-pause", "'id': 'j'"));
        run("job-finalize", "'id': 'j'");
        drives.awaitStatus("j", "concluded");
        assertEquals("concluded", job().get("status").textValue());
        assertEquals(
                "Job ID 'j' already in use",
                refused("drive-backup", "'device': 'drive1', 'job-id': 'j', 'sync': 'full', 'target': '@/u'"));
        run("block-job-dismiss", "'id': 'j'");
        assertEquals(0, drives.monitor.run("{'execute': 'query-jobs'}").size());
        drives.assertIsDrive("drive0", "t");
    }

    @Test
    void shouldTellACreationThatFailsAndLeaveNothing() throws Exception {
        assertEquals(
                "Parameter 'speed' expects a non-negative value",
                refused(
                        "drive-backup",
                        "'device': 'drive0', 'job-id': 'j', 'sync': 'full', 'target': '@/t', 'speed': -1"));
        assertEquals(
                List.of("created", "null"),
                drives.monitor.eventsUntilGone("j").stream()
                        .map(e -> e.get("data").get("status").textValue())
                        .toList());
        String good = "{'type': 'drive-backup', 'data': {'device': 'drive0', 'sync': 'full', 'target': '@/t'}}";
        refused("transaction", "'actions': [" + good + ", " + good.replace("@/t", "@/no/x") + "]");
        assertEquals(
                List.of("created", "aborting", "concluded", "null"),
                drives.monitor.eventsUntilGone("drive0").stream()
                        .map(e -> e.get("data").get("status").textValue())
                        .toList());
        assertTrue(Files.notExists(folder.resolve("t")));
        run("drive-backup", "'device': 'drive0', 'sync': 'full', 'target': '@/t'");
        drives.assertSucceeds("drive0");
    }

    @Test
    void shouldKeepOldContentUntilItsCancelled() throws Exception {
        byte[] old = filled(200_000, 0x41);
        write("drive0", 100, old);
        backup("'sync': 'none', 'target': '@/t', 'format': 'qcow2'");
        assertEquals("running", job().get("status").textValue());
        write("drive0", 0, filled(300_000, 0x42));
        Tool.run("cp", drives.live.image("drive0").toString(), drives.path("now"))
                .success();

        run("block-job-cancel", "'device': 'drive0'");

        assertEquals(
                "BLOCK_JOB_CANCELLED",
                drives.monitor.jobEnd("drive0").get("event").textValue());
        drives.gone("drive0");
        Tool.run("qemu-img", "check", "-f", "qcow2", drives.path("t")).success();
        String backing = "'backing': {'driver': 'raw', 'file': {'driver': 'file', 'filename': '@/now'}}";
        Tool.run(
                        "qemu-io",
                        "-r",
                        "-c",
                        "read -P 0x41 100 200000",
                        "-c",
                        "read -P 0 200100 99900",
                        drives.text(("json:{'driver': 'qcow2', " + backing
                                        + ", 'file': {'driver': 'file', 'filename': '@/t', 'locking': 'off'}}")
                                .replace('\'', '"')))
                .success();
    }

    @Test
    void shouldCopyTheTopOfAChainAndNameWhatLiesUnder() throws Exception {
        Tool.run("qemu-img", "create", "-f", "qcow2", drives.path("base"), "4M").success();
        Tool.run("qemu-io", "-c", "write -P 1 0 4M", drives.path("base")).success();
        Tool.run("qemu-img", "create", "-f", "qcow2", "-b", drives.path("base"), "-F", "qcow2", drives.path("top"))
                .success();
        Tool.run("qemu-io", "-c", "write -P 2 1M 64k", drives.path("top")).success();
        run("blockdev-add", "'driver': 'qcow2', 'node-name': 'top', 'file': {'driver': 'file', 'filename': '@/top'}");

        run("drive-backup", "'device': 'top', 'job-id': 'j', 'sync': 'top', 'target': '@/t', 'filter-node-name': 'f'");

        JsonNode end = drives.monitor.jobEnd("j");
        assertEquals(CHUNK_BYTES, end.get("data").get("len").intValue(), end::toString);
        drives.gone("j");
        run("blockdev-del", "'node-name': 'top'");
        Tool.run("qemu-img", "check", "-f", "qcow2", drives.path("t")).success();
        Tool.run("qemu-img", "compare", drives.path("t"), drives.path("top")).success();
        assertTrue(Files.size(folder.resolve("t")) < 1 << 20);
    }

    @Test
    void shouldCompress() throws Exception {
        write("drive0", 0, filled(3 << 20, 0x55));
        backup("'sync': 'full', 'target': '@/t', 'format': 'qcow2', 'compress': true");
        drives.assertSucceeds("drive0");
        drives.assertIsDrive("drive0", "t");
        assertTrue(Tool.run("qemu-img", "check", "--output=json", "-f", "qcow2", drives.path("t"))
                .success()
                .contains("\"compressed-clusters\": 48"));
        assertEquals(
                "Compression is not supported for this drive ",
                refused("drive-backup", "'device': 'drive0', 'sync': 'full', 'target': '@/u', 'compress': true"));
    }

    @Test
    void shouldStopForSpaceAndGoOnInAnImageThatItMade() throws Exception {
        write("drive0", 0, filled(1 << 20, 0x66));
        create("file", "'driver': 'file', 'filename': '@/t', 'size': 0");
        run("blockdev-add", "'driver': 'file', 'node-name': 'tfile', 'filename': '@/t'");
        create("format", "'driver': 'qcow2', 'file': 'tfile', 'size': 4194304");
        run("blockdev-del", "'node-name': 'tfile'");
        run(
                "blockdev-add",
                "'driver': 'qcow2', 'node-name': 't', 'file': {'driver': 'blkdebug', 'inject-error': [{'event':"
                        + " 'write_aio', 'errno': 28, 'once': true}], 'image': {'driver': 'file', 'filename': '@/t'}}");
        run("blockdev-backup", "'device': 'drive0', 'target': 't', 'sync': 'full', 'on-target-error': 'enospc'");

        JsonNode error = drives.monitor.event(e -> e.path("event").asText().equals("BLOCK_JOB_ERROR"));
        assertEquals(
                "{\"device\":\"drive0\",\"operation\":\"write\",\"action\":\"stop\"}",
                error.get("data").toString());
        drives.awaitStatus("drive0", "paused");
        assertEquals("nospace", job().get("io-status").textValue());
        assertEquals(
                "Node 'drive0' is busy: block device is in use by block job: backup",
                refused("block_resize", "'device': 'drive0', 'size': 8388608"));
        run("block-job-resume", "'device': 'drive0'");
        drives.assertSucceeds("drive0");
        run("blockdev-del", "'node-name': 't'");
        drives.assertIsDrive("drive0", "t");
    }

    private void create(String id, String options) {
        run("blockdev-create", "'job-id': '" + id + "', 'options': {" + options + "}");
        drives.awaitStatus(id, "concluded");
        run("job-dismiss", "'id': '" + id + "'");
    }

    private void awaitOffset(long bytes) {
        while (job().get("offset").longValue() < bytes) {
            Thread.onSpinWait();
        }
    }

    private JsonNode job() {
        return drives.monitor.run("{'execute': 'query-block-jobs'}").get(0);
    }

    private void backup(String arguments) {
        run("drive-backup", "'device': 'drive0', " + arguments);
    }

    private void run(String command, String arguments) {
        JsonNode _ = drives.monitor.run(drives.text(line(command, arguments)));
    }

    private String refused(String command, String arguments) {
        return drives.monitor.refused(drives.text(line(command, arguments)));
    }

    private JsonNode error(String command, String arguments) {
        return drives.monitor.send(line(command, arguments)).get("error");
    }

    private static String line(String command, String arguments) {
        return "{'execute': '" + command + "', 'arguments': {" + arguments + "}}";
    }

    private void write(String drive, long offsetBytes, byte[] data) throws IOException {
        try (NbdClient guest = drives.live.guest(drive)) {
            guest.write(offsetBytes, ByteBuffer.wrap(data), Durability.CACHED);
        }
    }

    private static byte[] filled(int bytes, int value) {
        byte[] data = new byte[bytes];
        Arrays.fill(data, (byte) value);
        return data;
    }
}
