package io.varve.capture.qmp;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import io.varve.core.bits.Digest;
import io.varve.core.bits.HierarchicalBitSet;
import io.varve.core.commit.AgentStep;
import io.varve.core.drive.Anchor;
import io.varve.core.drive.BackupKey;
import io.varve.core.drive.BackupKind;
import io.varve.core.drive.Conclusion;
import io.varve.core.drive.Doubt;
import io.varve.core.drive.DriveState;
import io.varve.core.drive.FullCause;
import io.varve.core.id.DriveId;
import io.varve.core.id.SyncPointId;
import io.varve.transfer.nbd.Durability;
import io.varve.transfer.nbd.NbdClient;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.util.Objects;
import java.util.Optional;
import java.util.TreeSet;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Backups to the archive, which others conclude: the test takes their part by {@code Agent.conclude}. */
class ArchiveJobsTest {
    private static final int GRANULE_BYTES = 65536;

    @TempDir
    private Path folder;

    private LiveAgent live;
    private QmpClient monitor;
    private int sequence;

    @BeforeEach
    void start() throws IOException {
        live = LiveAgent.start(folder, 4 << 20, "disk0", "disk1");
        monitor = live.monitor();
    }

    @AfterEach
    void stop() throws IOException {
        monitor.close();
        live.close();
    }

    @Test
    void shouldBackUpInFullFirstAndIncrementallyThen() throws Exception {
        JsonNode first = backup("{'drives': ['disk0']}");
        assertEquals(
                "[{\"device\":\"disk0\",\"job-id\":\"disk0\",\"sync\":\"full\",\"reason\":\"bitmap 'varve' is new\","
                        + "\"cause\":\"bitmap-new\"}]",
                first.get("jobs").toString());
        assertEquals(new BackupKind.Full(Optional.of(FullCause.BITMAP_NEW)), marked(first));
        write("disk0", 3);
        assertEquals("running", state(first, 0));
        conclude(first, "disk0", committed(first));
        assertFalse(monitor.jobEnd("disk0").get("data").has("error"));
        assertEquals("committed", state(first, 0));
        assertTrue(bitmap(0).get("persistent").booleanValue());
        assertEquals(GRANULE_BYTES, bitmap(0).get("count").longValue(), "what was written since the cut is dirty");

        JsonNode second = backup("{'drives': ['disk0']}");
        assertEquals(
                "[{\"device\":\"disk0\",\"job-id\":\"disk0\",\"sync\":\"incremental\"}]",
                second.get("jobs").toString());
        assertEquals(Optional.empty(), marked(second).fullCause());
        live.jobs.progressed(new DriveId("disk0"), syncPoint(second), 4096, GRANULE_BYTES);
        awaitProgress(second, 4096);
        conclude(second, "disk0", new Conclusion.Aborted("a sink gave up"));
        JsonNode failed = monitor.jobEnd("disk0");
        assertEquals("a sink gave up", failed.get("data").get("x-varve-reason").textValue());
        assertEquals("aborted", state(second, 0));
        assertEquals(GRANULE_BYTES, bitmap(0).get("count").longValue(), "I3: the bits are back");

        JsonNode third = backup("{'drives': ['disk0'], 'full': true}");
        assertEquals("full", third.get("jobs").get(0).get("sync").textValue());
        assertFalse(third.get("jobs").get(0).has("reason"));
        assertEquals(new BackupKind.Full(Optional.empty()), marked(third), "it was asked for");
    }

    @Test
    void shouldBackUpAllDrivesInAGroupAndCancelThemTogether() throws Exception {
        JsonNode group = backup("{'grouped': true, 'bitmap': 'mine'}");
        assertEquals(2, group.get("jobs").size());
        assertEquals("full", group.get("jobs").get(1).get("sync").textValue());

        monitor.run("{'execute': 'block-job-cancel', 'arguments': {'device': 'disk1'}}");

        assertEquals("BLOCK_JOB_CANCELLED", monitor.jobEnd("disk0").get("event").textValue());
        assertEquals("BLOCK_JOB_CANCELLED", monitor.jobEnd("disk1").get("event").textValue());
        assertEquals("cancelled", state(group, 0));

        // A full one needn't wait for the decision, which may come meanwhile.
        JsonNode again = backup("{'grouped': true, 'bitmap': 'mine'}");
        for (String drive : new String[] {"disk0", "disk1"}) {
            conclude(group, drive, new Conclusion.Aborted("nobody wants it"));
        }
        awaitState(group, 1, "aborted");
        conclude(again, "disk0", committed(again));
        conclude(again, "disk1", committed(again));
        assertFalse(monitor.jobEnd("disk0").get("data").has("error"));
        assertFalse(monitor.jobEnd("disk1").get("data").has("error"));
        JsonNode increments = backup("{'grouped': true, 'bitmap': 'mine'}");
        assertEquals("incremental", increments.get("jobs").get(0).get("sync").textValue());
        monitor.run("{'execute': 'block-job-cancel', 'arguments': {'device': 'disk0'}}");
        assertEquals("BLOCK_JOB_CANCELLED", monitor.jobEnd("disk0").get("event").textValue());
        String refused = monitor.refused("{'execute': 'x-varve-backup', 'arguments': {'bitmap': 'mine'}}");
        assertTrue(refused.contains("isn't decided yet"), refused);
    }

    @Test
    void shouldSayOfAllInAGroupWhyTheArchiveDecidedAgainstIt() throws Exception {
        JsonNode group = backup("{'grouped': true}");

        conclude(group, "disk1", new Conclusion.Aborted("the store is full"));

        assertEquals("BLOCK_JOB_COMPLETED", monitor.jobEnd("disk1").get("event").textValue());
        assertEquals("BLOCK_JOB_CANCELLED", monitor.jobEnd("disk0").get("event").textValue());
        JsonNode disk0 = status(group, 0);
        assertEquals("aborted", disk0.get("state").textValue(), "before the archive's word on this one came");
        assertEquals("the store is full", disk0.get("reason").textValue());
        conclude(group, "disk0", new Conclusion.Aborted("the store is full"));
    }

    @Test
    void shouldEnableABitmapThatDoesntRecord() {
        monitor.run("{'execute': 'block-dirty-bitmap-add',"
                + " 'arguments': {'node': 'disk0', 'name': 'varve', 'disabled': true}}");

        JsonNode started = backup("{'drives': ['disk0']}");

        assertEquals("full", started.get("jobs").get(0).get("sync").textValue());
        assertTrue(started.get("jobs").get(0).get("reason").textValue().contains("didn't record"));
        assertEquals("not-recording", cause(started));
        assertEquals(new BackupKind.Full(Optional.of(FullCause.NOT_RECORDING)), marked(started));
        assertTrue(bitmap(0).get("recording").booleanValue());
    }

    @Test
    void shouldSayWithACodeThatAnotherRegimeTookTheBitmapsBits() throws Exception { // I4, reliability 6.4
        JsonNode first = backup("{'drives': ['disk0']}");
        conclude(first, "disk0", committed(first));
        assertFalse(monitor.jobEnd("disk0").get("data").has("error"));
        write("disk0", 3);
        monitor.run("{'execute': 'drive-backup', 'arguments': {'device': 'disk0', 'sync': 'incremental',"
                + " 'bitmap': 'varve', 'format': 'qcow2', 'target': '" + folder.resolve("file.qcow2") + "'}}");
        assertFalse(monitor.jobEnd("disk0").get("data").has("error"));
        assertEquals(0, bitmap(0).get("count").longValue());

        JsonNode second = backup("{'drives': ['disk0']}");

        assertEquals("full", second.get("jobs").get(0).get("sync").textValue());
        assertEquals("no-anchor", cause(second));
    }

    @Test
    void shouldSayWithACodeThatThereIsASecondWriter() throws Exception { // I8
        JsonNode first = backup("{'drives': ['disk0']}");
        conclude(first, "disk0", committed(first));
        assertFalse(monitor.jobEnd("disk0").get("data").has("error"));
        JsonNode running = backup("{'drives': ['disk0']}");
        var state = live.agent.state(new DriveId("disk0")).orElseThrow();

        assertTrue(live.agent
                .bitmaps()
                .distrust(
                        new DriveId("disk0"),
                        new AgentStep.Distrust(
                                Doubt.secondWriter("another agent may have written the image"),
                                new AgentStep.Republish(
                                        1, new TreeSet<>(state.generations().keySet())))));
        conclude(running, "disk0", new Conclusion.Aborted("the drive is suspect"));
        monitor.jobEnd("disk0");
        String refused = monitor.refused("{'execute': 'x-varve-backup', 'arguments': {'incremental': true}}");
        JsonNode full = backup("{'drives': ['disk0']}");

        assertTrue(
                refused.contains("is inconsistent: another agent may have written the image (second-writer); "),
                refused);
        assertEquals("full", full.get("jobs").get(0).get("sync").textValue());
        assertEquals("second-writer", cause(full));
    }

    @Test
    void shouldTakeTheArchiveAsATargetOfTransactions() {
        monitor.run("{'execute': 'transaction', 'arguments': {'actions': ["
                + "{'type': 'block-dirty-bitmap-add', 'data': {'node': 'disk0', 'name': 'b'}},"
                + "{'type': 'drive-backup', 'data': {'device': 'disk0', 'sync': 'full', 'target': 'archive:'}}]}}");

        assertEquals(
                "disk0",
                monitor.run("{'execute': 'query-jobs'}").get(0).get("id").textValue());
    }

    @Test
    void shouldSayWhatItCantDo() {
        assertEquals(
                "Cannot find device='zz' nor node-name='zz'",
                monitor.refused("{'execute': 'x-varve-backup', 'arguments': {'drives': ['zz']}}"));
        assertTrue(monitor.refused("{'execute': 'x-varve-backup', 'arguments': {'drives': ['disk0', 'disk0']}}")
                .contains("named twice"));
        assertTrue(monitor.refused("{'execute': 'x-varve-backup-status', 'arguments': {'sync-point': 'No such'}}")
                .contains("none of the latest"));
    }

    private JsonNode backup(String arguments) {
        return monitor.run("{'execute': 'x-varve-backup', 'arguments': " + arguments + "}");
    }

    private static String cause(JsonNode started) {
        return started.get("jobs").get(0).get("cause").textValue();
    }

    /** What the marker in the first drive's log says. */
    private BackupKind marked(JsonNode started) {
        DriveState state = live.agent.state(new DriveId("disk0")).orElseThrow();
        return Objects.requireNonNull(state.undecided().get(new BackupKey(syncPoint(started), 0)))
                .mark()
                .kind();
    }

    private static SyncPointId syncPoint(JsonNode started) {
        return new SyncPointId(started.get("sync-point").textValue());
    }

    private void conclude(JsonNode started, String drive, Conclusion conclusion) throws IOException {
        live.agent.conclude(new DriveId(drive), new BackupKey(syncPoint(started), 0), conclusion);
    }

    private Conclusion committed(JsonNode started) {
        return new Conclusion.Committed(new Anchor(
                syncPoint(started), syncPoint(started), sequence++, "key", Digest.of(HierarchicalBitSet.ofHeap(1))));
    }

    private JsonNode status(JsonNode started, int drive) {
        return monitor.run("{'execute': 'x-varve-backup-status', 'arguments': {'sync-point': '"
                        + started.get("sync-point").textValue() + "'}}")
                .get("drives")
                .get(drive);
    }

    private String state(JsonNode started, int drive) {
        return status(started, drive).get("state").textValue();
    }

    private void awaitState(JsonNode started, int drive, String wanted) {
        while (!state(started, drive).equals(wanted)) {
            Thread.onSpinWait();
        }
    }

    private void awaitProgress(JsonNode started, long copiedBytes) {
        while (status(started, 0).get("copied-bytes").longValue() != copiedBytes) {
            Thread.onSpinWait();
        }
    }

    private JsonNode bitmap(int drive) {
        return monitor.run("{'execute': 'query-block'}")
                .get(drive)
                .get("inserted")
                .get("dirty-bitmaps")
                .get(0);
    }

    private void write(String drive, int granule) throws IOException {
        try (NbdClient guest = live.guest(drive)) {
            guest.write((long) granule * GRANULE_BYTES, ByteBuffer.wrap(new byte[512]), Durability.CACHED);
        }
    }
}
