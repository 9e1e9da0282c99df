package io.varve.capture.qmp;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Jobs to files: what's refused, how jobs fail and are cancelled, and that no bitmap loses a bit by it. */
class FileJobsTest {
    private static final String GROUPED = "{'execute': 'transaction', 'arguments': {"
            + "'properties': {'completion-mode': 'grouped'}, 'actions': ["
            + "{'type': 'drive-backup', 'data': {'device': 'drive0', 'bitmap': 'b', 'format': 'qcow2',"
            + " 'mode': 'existing', 'sync': 'incremental', 'target': '@/inc0'}},"
            + "{'type': 'drive-backup', 'data': {'device': 'drive1', 'bitmap': 'b', 'format': 'qcow2',"
            + " 'mode': 'existing', 'sync': 'incremental', 'target': '@/inc1'}}]}}";

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
    void shouldTellAJobsLifeInQemusOrder() {
        drives.monitor.run(drives.text("{'execute': 'drive-backup', 'arguments': {'device': 'drive0', 'job-id': 'j',"
                + " 'sync': 'full', 'format': 'qcow2', 'target': '@/full'}}"));

        List<String> told = drives.monitor.eventsUntilGone("j").stream()
                .map(event -> event.get("event").textValue()
                        + event.get("data").path("status").asText())
                .toList();

        assertEquals(
                List.of(
                        "JOB_STATUS_CHANGEcreated",
                        "JOB_STATUS_CHANGErunning",
                        "JOB_STATUS_CHANGEpaused",
                        "JOB_STATUS_CHANGErunning",
                        "JOB_STATUS_CHANGEwaiting",
                        "JOB_STATUS_CHANGEpending",
                        "BLOCK_JOB_COMPLETED",
                        "JOB_STATUS_CHANGEconcluded",
                        "JOB_STATUS_CHANGEnull"),
                told);
    }

    @Test
    void shouldFailBothOfAGroupAndTakeTheSameJsonAgain() throws Exception {
        drives.beginChains();
        drives.writeSomewhere("drive0");
        drives.writeSomewhere("drive1");
        List<Long> counts = List.of(drives.count(0), drives.count(1));
        drives.images.get(1).hold();
        drives.monitor.run(drives.text(GROUPED));
        drives.awaitStatus("drive0", "waiting");
        assertEquals(
                "waiting",
                drives.monitor
                        .run("{'execute': 'query-jobs'}")
                        .get(1)
                        .get("status")
                        .textValue());

        drives.images.get(1).fail(true);
        drives.images.get(1).letGo();

        JsonNode failed = drives.monitor.jobEnd("drive1");
        assertEquals("BLOCK_JOB_COMPLETED", failed.get("event").textValue(), failed::toString);
        assertEquals("Input/output error", failed.get("data").get("error").textValue());
        assertFalse(failed.get("data").has("x-varve-reason"), failed::toString);
        assertTrue(reasonOf("drive1").contains("the test wants it"));
        assertEquals(
                "BLOCK_JOB_CANCELLED",
                drives.monitor.jobEnd("drive0").get("event").textValue());
        JsonNode error = drives.monitor.event(e -> e.path("event").asText().equals("BLOCK_JOB_ERROR"));
        assertEquals("drive1 read report", describe(error.get("data")));
        drives.gone("drive0");
        assertEquals(counts, List.of(drives.count(0), drives.count(1)));

        drives.images.get(1).fail(false);
        drives.prepare("inc1", "full1");
        drives.writeSomewhere("drive0");
        drives.monitor.run(drives.text(GROUPED));
        drives.assertSucceeds("drive0");
        drives.assertSucceeds("drive1");

        drives.assertIsDrive("drive0", "inc0");
        drives.assertIsDrive("drive1", "inc1");
        assertEquals(List.of(0L, 0L), List.of(drives.count(0), drives.count(1)));
    }

    @Test
    void shouldFailBothOfAGroupWhenADriveCantBeRead() throws Exception {
        drives.beginChains();
        drives.writeSomewhere("drive0");
        drives.writeSomewhere("drive1");
        List<Long> counts = List.of(drives.count(0), drives.count(1));
        drives.images.get(0).fail(true);

        drives.monitor.run(drives.text(GROUPED));

        JsonNode failed = drives.monitor.jobEnd("drive0");
        assertEquals("BLOCK_JOB_COMPLETED", failed.get("event").textValue(), failed::toString);
        assertTrue(reasonOf("drive0").contains("the test wants it"));
        assertEquals(
                "BLOCK_JOB_CANCELLED",
                drives.monitor.jobEnd("drive1").get("event").textValue());
        drives.gone("drive0");
        drives.gone("drive1");
        JsonNode error = drives.monitor.event(e -> e.path("event").asText().equals("BLOCK_JOB_ERROR"));
        assertEquals("drive0 read report", describe(error.get("data")));
        assertEquals(counts, List.of(drives.count(0), drives.count(1)));

        drives.images.get(0).fail(false);
        drives.monitor.run(drives.text(GROUPED));
        drives.assertSucceeds("drive0");
        drives.assertSucceeds("drive1");
        drives.assertIsDrive("drive0", "inc0");
        drives.assertIsDrive("drive1", "inc1");
    }

    @Test
    void shouldLetOneFailAndTheOtherSucceedWhenTheyArentGrouped() throws Exception {
        drives.beginChains();
        drives.writeSomewhere("drive0");
        drives.writeSomewhere("drive1");
        long count = drives.count(0);
        drives.images.get(0).fail(true);

        drives.monitor.run(drives.text(GROUPED.replace("grouped", "individual")));

        assertTrue(drives.monitor.jobEnd("drive0").get("data").has("error"));
        drives.assertSucceeds("drive1");
        assertEquals(count, drives.count(0));
        assertEquals(0, drives.count(1));
        drives.assertIsDrive("drive1", "inc1");
    }

    @Test
    void shouldCancelAGroupByOneOfIt() throws Exception {
        drives.beginChains();
        drives.writeSomewhere("drive0");
        drives.writeSomewhere("drive1");
        List<Long> counts = List.of(drives.count(0), drives.count(1));
        drives.images.forEach(HeldReads::hold);
        drives.monitor.run(drives.text(GROUPED));

        JsonNode jobs = drives.monitor.run("{'execute': 'query-block-jobs'}");
        assertEquals("drive1", jobs.get(0).get("device").textValue(), "the newest comes first");
        assertEquals(
                "Job ID 'drive0' already in use",
                drives.monitor.refused(drives.text(TwoDrives.full("drive0", "other"))));
        assertEquals(
                "Bitmap 'b' is currently in use by another operation and cannot be used",
                drives.monitor.refused(
                        "{'execute': 'block-dirty-bitmap-clear', 'arguments': {'node': 'drive0', 'name': 'b'}}"));
        drives.monitor.run("{'execute': 'block-job-cancel', 'arguments': {'device': 'drive0'}}");

        assertEquals(
                "BLOCK_JOB_CANCELLED",
                drives.monitor.jobEnd("drive1").get("event").textValue());
        assertEquals(
                "BLOCK_JOB_CANCELLED",
                drives.monitor.jobEnd("drive0").get("event").textValue());
        drives.gone("drive0");
        drives.images.forEach(HeldReads::letGo);
        assertEquals(counts, List.of(drives.count(0), drives.count(1)));
        assertEquals(0, drives.monitor.run("{'execute': 'query-block-jobs'}").size());
        JsonNode unknown = drives.monitor.send("{'execute': 'block-job-cancel', 'arguments': {'device': 'drive0'}}");
        assertEquals("DeviceNotActive", unknown.get("error").get("class").textValue());
        assertEquals(
                "Block job 'drive0' not found", unknown.get("error").get("desc").textValue());
    }

    @Test
    void shouldEndWhileAJobRuns() throws Exception {
        drives.beginChains();
        drives.writeSomewhere("drive0");
        drives.images.get(0).hold();
        drives.monitor.run(drives.text(GROUPED.replace("grouped", "individual")));
        drives.assertSucceeds("drive1");

        drives.live.jobs.close();

        assertEquals(
                "BLOCK_JOB_CANCELLED",
                drives.monitor.jobEnd("drive0").get("event").textValue());
        assertEquals("the agent is ending", drives.monitor.refused(drives.text(TwoDrives.full("drive0", "late"))));
        assertFalse(Files.exists(folder.resolve("inc0.partial")));
    }

    private String reasonOf(String job) {
        JsonNode latest =
                drives.monitor.run("{'execute': 'x-varve-failed-jobs'}").get(0);
        assertEquals(job, latest.get("id").textValue(), latest::toString);
        assertEquals("Input/output error", latest.get("error").textValue());
        return latest.get("reason").textValue();
    }

    private static String describe(JsonNode error) {
        return error.get("device").textValue() + " " + error.get("operation").textValue() + " "
                + error.get("action").textValue();
    }
}
