package io.varve.capture.qmp;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import io.varve.core.bits.Granularity;
import io.varve.core.bits.Marks;
import io.varve.core.bits.PackedMarks;
import io.varve.core.drive.Trust;
import io.varve.core.id.DriveId;
import io.varve.transfer.nbd.Durability;
import io.varve.transfer.nbd.NbdClient;
import io.varve.transfer.nbd.NbdClientOptions;
import java.io.IOException;
import java.io.RandomAccessFile;
import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.util.Base64;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The agent's part of a reconcile; the test compares. */
class ReconcileCommandsTest {
    private static final int GRANULE = 65_536;
    private static final long SIZE_BYTES = 4 << 20;
    private static final String ANCHOR = "{'sync-point': 'sp', 'chain': 'sp', 'sequence': 0, 'manifest': 'key',"
            + " 'sha256': '" + "0".repeat(64) + "'}";

    @TempDir
    private Path folder;

    private LiveAgent live;
    private QmpClient monitor;

    /** A drive whose image was changed while nobody was attached. */
    @BeforeEach
    void change() throws IOException {
        live = LiveAgent.start(folder, SIZE_BYTES, "disk0");
        monitor = live.monitor();
        monitor.run("{'execute': 'block-dirty-bitmap-add',"
                + " 'arguments': {'node': 'disk0', 'name': 'varve', 'persistent': true}}");
        write(1, 1);
        stop();
        try (RandomAccessFile image =
                new RandomAccessFile(folder.resolve("disk0.raw").toFile(), "rw")) {
            image.seek(2 * GRANULE);
            image.write(2);
        }
        live = LiveAgent.start(folder, SIZE_BYTES, "disk0");
        monitor = live.monitor();
        assertTrue(bitmap().get("inconsistent").booleanValue());
    }

    @AfterEach
    void stop() throws IOException {
        monitor.close();
        live.close();
    }

    @Test
    void shouldHoldWhatDiffersAndWhatGuestsWroteSince() throws IOException { // I1
        JsonNode begun = begin();
        write(5, 5);
        write(2, 3);

        byte[] point = readPoint(begun);
        assertEquals(2, point[2 * GRANULE], "a point in time doesn't move");
        assertEquals(0, point[5 * GRANULE]);
        assertEquals(SIZE_BYTES, begun.get("size").longValue());
        assertTrue(begun.get("reason").textValue().contains("changed"), begun::toString);
        JsonNode ended = end(ANCHOR, 2);
        write(7, 7);

        assertEquals(2 * GRANULE, ended.get("dirty-bytes").longValue());
        assertEquals(3 * GRANULE, bitmap().get("count").longValue());
        assertTrue(bitmap().get("recording").booleanValue());
        assertEquals(
                "[{\"device\":\"disk0\",\"job-id\":\"disk0\",\"sync\":\"incremental\"}]",
                monitor.run("{'execute': 'x-varve-backup'}").get("jobs").toString());
        assertEquals(new Trust.Sound(), trust());
        mustHaveNoPoint(begun);
    }

    @Test
    void shouldLeaveTheBitmapAsItWasWhenTheClientDies() throws IOException { // I3
        JsonNode begun;
        try (QmpClient dying = live.monitor()) {
            begun = dying.run("{'execute': 'x-varve-reconcile', 'arguments': {'device': 'disk0'}}");
            assertEquals(2, bitmaps().size());
        }
        while (bitmaps().size() > 1) {
            Thread.onSpinWait();
        }

        assertTrue(bitmap().get("inconsistent").booleanValue());
        mustHaveNoPoint(begun);
        begin();
        end(ANCHOR, 2);
        assertFalse(bitmap().has("inconsistent"));
    }

    @Test
    void shouldLeaveTheBitmapAsItWasWhenTheAgentEnds() throws IOException { // I3
        begin();
        stop();

        live = LiveAgent.start(folder, SIZE_BYTES, "disk0");
        monitor = live.monitor();

        assertEquals(1, bitmaps().size());
        assertTrue(bitmap().get("inconsistent").booleanValue());
    }

    @Test
    void shouldTakeNothingWhoseDigestIsWrong() throws IOException { // I4
        begin();
        differing(3);

        String refused = monitor.refused(end(ANCHOR, digest(2)));

        assertTrue(refused.contains("SHA-256"), refused);
        monitor.run("{'execute': 'x-varve-reconcile-cancel'}");
        assertEquals(1, bitmaps().size());
        assertTrue(bitmap().get("inconsistent").booleanValue());
    }

    @Test
    void shouldSayWhyAnIncrementIsntPossibleAndDoNothing() {
        String refused = monitor.refused("{'execute': 'x-varve-backup', 'arguments': {'incremental': true}}");
        String both =
                monitor.refused("{'execute': 'x-varve-backup', 'arguments': {'incremental': true, 'full': true}}");

        assertEquals(
                "drive 'disk0' can't be backed up by an increment: bitmap 'varve' is inconsistent: the image was"
                        + " changed, or may have been, while it was detached (image-changed); where the archive has a"
                        + " sync point of it, 'varve reconcile disk0' makes one possible, else take a full backup",
                refused);
        assertEquals("Parameters 'full' and 'incremental' are mutually exclusive", both);
        assertTrue(bitmap().get("inconsistent").booleanValue());
    }

    @Test
    void shouldKeepTheBitmapFromOthersUntilTheEnd() {
        begin();

        for (String refused : List.of(
                monitor.refused("{'execute': 'block-dirty-bitmap-remove',"
                        + " 'arguments': {'node': 'disk0', 'name': 'varve'}}"),
                monitor.refused("{'execute': 'x-varve-backup'}"))) {
            assertEquals("Bitmap 'varve' is currently in use by another operation and cannot be used", refused);
        }
        String second = monitor.refused("{'execute': 'x-varve-reconcile', 'arguments': {'device': 'disk0'}}");
        assertTrue(second.contains("runs already"), second);
        var other = live.agent.reconciliations().begin(new DriveId("disk0"), "other");
        assertTrue(other.toString().contains("being reconciled already"), other::toString);
    }

    @Test
    void shouldMakeABitmapOfTwoImagesForBackupsToFiles() throws IOException { // the talk's wish
        monitor.run("{'execute': 'x-varve-reconcile', 'arguments': {'device': 'disk0', 'bitmap': 'rebuilt'}}");
        differing(2);
        write(3, 3);
        monitor.run("{'execute': 'x-varve-reconcile-end', 'arguments': {'sha256': '" + digest(2) + "'}}");

        JsonNode rebuilt = bitmaps().get(0);
        assertEquals("rebuilt", rebuilt.get("name").textValue());
        assertEquals(2 * GRANULE, rebuilt.get("count").longValue());
        Path target = folder.resolve("increment.qcow2");
        monitor.run("{'execute': 'drive-backup', 'arguments': {'device': 'disk0', 'sync': 'incremental',"
                + " 'bitmap': 'rebuilt', 'format': 'qcow2', 'target': '" + target + "'}}");
        assertFalse(monitor.jobEnd("disk0").get("data").has("error"));
    }

    @Test
    void shouldSayWhatItCantDo() {
        assertTrue(monitor.refused("{'execute': 'x-varve-reconcile', 'arguments': {'device': 'zz'}}")
                .contains("Cannot find device='zz'"));
        assertTrue(monitor.refused(end(ANCHOR, digest(2))).contains("No reconcile runs"));
        begin();
        for (String bad : List.of(
                differing(0, SIZE_BYTES, "!"),
                differing(0, SIZE_BYTES, "AP8="),
                differing(1, GRANULE, "AAE="),
                differing(GRANULE, SIZE_BYTES, "AAE="),
                differing(0, GRANULE, "AAI="))) {
            assertTrue(monitor.refused(bad).startsWith("Parameter"), bad);
        }
    }

    private JsonNode begin() {
        return monitor.run("{'execute': 'x-varve-reconcile', 'arguments': {'device': 'disk0'}}");
    }

    private JsonNode end(String anchor, long... granules) {
        differing(granules);
        return monitor.run(end(anchor, digest(granules)));
    }

    private static String end(String anchor, String digest) {
        return "{'execute': 'x-varve-reconcile-end', 'arguments': {'sha256': '" + digest + "', 'anchor': " + anchor
                + "}}";
    }

    private void differing(long... granules) {
        String runs = Base64.getEncoder()
                .encodeToString(PackedMarks.of(marks(granules)).runs());
        monitor.run(differing(0, SIZE_BYTES, runs));
    }

    private static String differing(long offsetBytes, long lengthBytes, String runs) {
        return "{'execute': 'x-varve-reconcile-differing', 'arguments': {'offset': " + offsetBytes + ", 'length': "
                + lengthBytes + ", 'runs': '" + runs + "'}}";
    }

    private static String digest(long... granules) {
        return marks(granules).digest().hex();
    }

    private static Marks marks(long... granules) {
        Marks marks = Marks.none(Granularity.DEFAULT, SIZE_BYTES);
        for (long granule : granules) {
            marks.mark(granule * GRANULE, GRANULE);
        }
        return marks;
    }

    private byte[] readPoint(JsonNode begun) throws IOException {
        ByteBuffer content = ByteBuffer.allocate((int) SIZE_BYTES);
        try (NbdClient reader =
                NbdClient.connect(live.export(begun.get("export").textValue()), List.of(), NbdClientOptions.DEFAULT)) {
            reader.read(0, content);
        }
        return content.array();
    }

    private void mustHaveNoPoint(JsonNode begun) {
        assertTrue(live.agent
                .surroundings()
                .exports()
                .find(begun.get("export").textValue())
                .isEmpty());
    }

    private Trust trust() {
        return live.agent.state(new DriveId("disk0")).orElseThrow().trust();
    }

    private JsonNode bitmaps() {
        return monitor.run("{'execute': 'query-block'}").get(0).get("inserted").get("dirty-bitmaps");
    }

    /** The only one, or the one that was there first. */
    private JsonNode bitmap() {
        JsonNode all = bitmaps();
        return all.get(all.size() - 1);
    }

    private void write(int granule, int value) throws IOException {
        try (NbdClient guest = live.guest("disk0")) {
            ByteBuffer data = ByteBuffer.allocate(512);
            data.put(0, (byte) value);
            guest.write((long) granule * GRANULE, data, Durability.CACHED);
        }
    }
}
