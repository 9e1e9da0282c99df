package io.varve.capture.qmp;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import io.varve.core.Tool;
import io.varve.transfer.nbd.Durability;
import io.varve.transfer.nbd.NbdClient;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Jobs to files: what's refused, how jobs fail and are cancelled, and that no bitmap loses a bit by it. */
class FileJobsTest {
    private static final int SIZE_BYTES = 4 << 20;
    private static final String GROUPED = "{'execute': 'transaction', 'arguments': {"
            + "'properties': {'completion-mode': 'grouped'}, 'actions': ["
            + "{'type': 'drive-backup', 'data': {'device': 'drive0', 'bitmap': 'b', 'format': 'qcow2',"
            + " 'mode': 'existing', 'sync': 'incremental', 'target': '@/inc0'}},"
            + "{'type': 'drive-backup', 'data': {'device': 'drive1', 'bitmap': 'b', 'format': 'qcow2',"
            + " 'mode': 'existing', 'sync': 'incremental', 'target': '@/inc1'}}]}}";

    @TempDir
    private Path folder;

    private final List<HeldReads> images = new ArrayList<>();
    private final SplittableRandom random = new SplittableRandom(11);
    private LiveAgent live;
    private QmpClient monitor;

    @BeforeEach
    void start() throws IOException {
        live = LiveAgent.start(
                folder,
                SIZE_BYTES,
                backend -> {
                    HeldReads image = new HeldReads(backend);
                    images.add(image);
                    return image;
                },
                "drive0",
                "drive1");
        monitor = live.monitor();
    }

    @AfterEach
    void stop() throws IOException {
        images.forEach(image -> {
            image.letGo();
            image.fail(false);
        });
        monitor.close();
        live.close();
    }

    @Test
    void shouldTellAJobsLifeInQemusOrder() {
        monitor.run(text("{'execute': 'drive-backup', 'arguments': {'device': 'drive0', 'job-id': 'j',"
                + " 'sync': 'full', 'format': 'qcow2', 'target': '@/full'}}"));

        List<String> told = monitor.eventsUntilGone("j").stream()
                .map(event -> event.get("event").textValue()
                        + event.get("data").path("status").asText())
                .toList();

        assertEquals(
                List.of(
                        "JOB_STATUS_CHANGEcreated",
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
        beginChains();
        writeSomewhere("drive0");
        writeSomewhere("drive1");
        List<Long> counts = List.of(count(0), count(1));
        byte[] prepared = Files.readAllBytes(folder.resolve("inc0"));
        images.get(1).hold();
        monitor.run(text(GROUPED));
        awaitStatus("drive0", "waiting");
        assertEquals(
                "waiting",
                monitor.run("{'execute': 'query-jobs'}").get(1).get("status").textValue());

        Files.delete(folder.resolve("inc1"));
        Files.createDirectory(folder.resolve("inc1"));
        images.get(1).letGo();

        JsonNode failed = monitor.jobEnd("drive1");
        assertEquals("BLOCK_JOB_COMPLETED", failed.get("event").textValue(), failed::toString);
        assertEquals("Input/output error", failed.get("data").get("error").textValue());
        assertTrue(failed.get("data").get("x-varve-reason").textValue().contains("inc1' isn't a regular file"));
        assertEquals(
                "BLOCK_JOB_CANCELLED", monitor.jobEnd("drive0").get("event").textValue());
        JsonNode error = monitor.event(e -> e.path("event").asText().equals("BLOCK_JOB_ERROR"));
        assertEquals("drive1 write report", describe(error.get("data")));
        gone("drive0");
        assertEquals(counts, List.of(count(0), count(1)));
        assertEquals(prepared.length, Files.size(folder.resolve("inc0")), "the good target was touched");

        Files.delete(folder.resolve("inc1"));
        prepare("inc1", "full1");
        writeSomewhere("drive0");
        monitor.run(text(GROUPED));
        assertSucceeds("drive0");
        assertSucceeds("drive1");

        assertIsDrive("drive0", "inc0");
        assertIsDrive("drive1", "inc1");
        assertEquals(List.of(0L, 0L), List.of(count(0), count(1)));
    }

    @Test
    void shouldFailBothOfAGroupWhenADriveCantBeRead() throws Exception {
        beginChains();
        writeSomewhere("drive0");
        writeSomewhere("drive1");
        List<Long> counts = List.of(count(0), count(1));
        images.get(0).fail(true);

        monitor.run(text(GROUPED));

        JsonNode failed = monitor.jobEnd("drive0");
        assertTrue(failed.get("data").get("x-varve-reason").textValue().contains("the test wants it"));
        assertEquals(
                "BLOCK_JOB_CANCELLED", monitor.jobEnd("drive1").get("event").textValue());
        gone("drive0");
        gone("drive1");
        JsonNode error = monitor.event(e -> e.path("event").asText().equals("BLOCK_JOB_ERROR"));
        assertEquals("drive0 read report", describe(error.get("data")));
        assertEquals(counts, List.of(count(0), count(1)));

        images.get(0).fail(false);
        monitor.run(text(GROUPED));
        assertSucceeds("drive0");
        assertSucceeds("drive1");
        assertIsDrive("drive0", "inc0");
        assertIsDrive("drive1", "inc1");
    }

    @Test
    void shouldLetOneFailAndTheOtherSucceedWhenTheyArentGrouped() throws Exception {
        beginChains();
        writeSomewhere("drive0");
        writeSomewhere("drive1");
        long count = count(0);
        images.get(0).fail(true);

        monitor.run(text(GROUPED.replace("grouped", "individual")));

        assertTrue(monitor.jobEnd("drive0").get("data").has("error"));
        assertSucceeds("drive1");
        assertEquals(count, count(0));
        assertEquals(0, count(1));
        assertIsDrive("drive1", "inc1");
    }

    @Test
    void shouldCancelAGroupByOneOfIt() throws Exception {
        beginChains();
        writeSomewhere("drive0");
        writeSomewhere("drive1");
        List<Long> counts = List.of(count(0), count(1));
        images.forEach(HeldReads::hold);
        monitor.run(text(GROUPED));

        JsonNode jobs = monitor.run("{'execute': 'query-block-jobs'}");
        assertEquals("drive1", jobs.get(0).get("device").textValue(), "the newest comes first");
        assertEquals("Job ID 'drive0' already in use", monitor.refused(text(full("drive0", "other"))));
        assertEquals(
                "Bitmap 'b' is currently in use by another operation and cannot be used",
                monitor.refused(
                        "{'execute': 'block-dirty-bitmap-clear', 'arguments': {'node': 'drive0', 'name': 'b'}}"));
        monitor.run("{'execute': 'block-job-cancel', 'arguments': {'device': 'drive0'}}");

        assertEquals(
                "BLOCK_JOB_CANCELLED", monitor.jobEnd("drive1").get("event").textValue());
        assertEquals(
                "BLOCK_JOB_CANCELLED", monitor.jobEnd("drive0").get("event").textValue());
        gone("drive0");
        images.forEach(HeldReads::letGo);
        assertEquals(counts, List.of(count(0), count(1)));
        assertEquals(0, monitor.run("{'execute': 'query-block-jobs'}").size());
        JsonNode unknown = monitor.send("{'execute': 'block-job-cancel', 'arguments': {'device': 'drive0'}}");
        assertEquals("DeviceNotActive", unknown.get("error").get("class").textValue());
        assertEquals(
                "Block job 'drive0' not found", unknown.get("error").get("desc").textValue());
    }

    @Test
    void shouldEndWhileAJobRuns() throws Exception {
        beginChains();
        writeSomewhere("drive0");
        images.get(0).hold();
        monitor.run(text(GROUPED.replace("grouped", "individual")));
        assertSucceeds("drive1");

        live.jobs.close();

        assertEquals(
                "BLOCK_JOB_CANCELLED", monitor.jobEnd("drive0").get("event").textValue());
        assertEquals("the agent is ending", monitor.refused(text(full("drive0", "late"))));
        assertFalse(Files.exists(folder.resolve("inc0.partial")));
    }

    @Test
    void shouldWriteRawTargets() throws Exception {
        writeSomewhere("drive0");
        run("{'device': 'drive0', 'sync': 'full', 'target': '@/raw'}");
        assertEquals(-1, Files.mismatch(live.image("drive0"), folder.resolve("raw")));
        add("drive0");
        writeSomewhere("drive0");

        run("{'device': 'drive0', 'sync': 'incremental', 'bitmap': 'b', 'mode': 'existing', 'target': '@/raw'}");

        assertEquals(-1, Files.mismatch(live.image("drive0"), folder.resolve("raw")));
    }

    @Test
    void shouldNotReadTheHolesOfASparseDrive() throws Exception {
        try (NbdClient guest = live.guest("drive0")) {
            guest.write(
                    1 << 20, ByteBuffer.wrap("data".repeat(128).getBytes(StandardCharsets.UTF_8)), Durability.CACHED);
        }
        long before = images.get(0).readBytes();

        run("{'device': 'drive0', 'sync': 'full', 'format': 'qcow2', 'target': '@/full'}");

        long read = images.get(0).readBytes() - before;
        assertTrue(read <= 128 << 10, read + " bytes were read");
        assertIsDrive("drive0", "full");
    }

    @Test
    void shouldWriteAnyClusterSize() throws Exception {
        for (String clusterSize : List.of("512", "2M")) {
            Tool.run(
                            "qemu-img",
                            "create",
                            "-f",
                            "qcow2",
                            "-o",
                            "cluster_size=" + clusterSize,
                            path("c" + clusterSize),
                            String.valueOf(SIZE_BYTES))
                    .success();
            writeSomewhere("drive0");
            run("{'device': 'drive0', 'sync': 'top', 'mode': 'existing', 'format': 'qcow2', 'target': '@/c"
                    + clusterSize + "'}");
            assertIsDrive("drive0", "c" + clusterSize);
        }
    }

    @Test
    void shouldRefuseTargetsBeforeAnythingHappens() throws Exception {
        writeSomewhere("drive0");
        beginChains();
        Tool.run("qemu-img", "create", "-f", "qcow2", path("small"), "1M").success();
        Tool.run("qemu-img", "create", "-f", "qcow2", "-o", "compat=0.10", path("old"), String.valueOf(SIZE_BYTES))
                .success();
        Files.createSymbolicLink(folder.resolve("link"), live.image("drive0"));
        Tool.run("mkfifo", path("pipe")).success();

        assertRefused("Could not create '@/no/x': No such file or directory", "'target': '@/no/x', 'format': 'qcow2'");
        assertRefused("Could not open '@/none': No such file or directory", "'target': '@/none', 'mode': 'existing'");
        assertRefused("Unknown file format 'nofmt'", "'target': '@/x', 'format': 'nofmt'");
        assertRefused("Unknown driver 'nofmt'", "'target': '@/small', 'format': 'nofmt', 'mode': 'existing'");
        assertRefused(
                "Source and target image have different sizes",
                "'target': '@/small', 'format': 'qcow2', 'mode': 'existing'");
        assertRefused("Source and target image have different sizes", "'target': '@/small', 'mode': 'existing'");
        assertRefused("Source and target cannot be the same", "'target': '@/link', 'mode': 'existing'");
        assertRefused("Source and target cannot be the same", "'target': '@/drive0.raw'");
        assertRefusedMentioning("the image of drive 'drive1'", "'target': '@/drive1.raw', 'format': 'qcow2'");
        assertRefusedMentioning("has qcow2 version 2", "'target': '@/old', 'format': 'qcow2', 'mode': 'existing'");
        assertRefusedMentioning("holds data already", "'target': '@/full0', 'format': 'qcow2', 'mode': 'existing'");
        assertRefusedMentioning("neither a regular file", "'target': '@/pipe', 'mode': 'existing'");
        assertRefused("Unknown protocol 'archive'", "'target': 'archive:x'");
        assertRefusedMentioning("'none' isn't supported", "'target': '@/x', 'sync': 'none'");
        assertEquals(0, monitor.run("{'execute': 'query-jobs'}").size());
        try (var files = Files.list(folder)) {
            assertTrue(files.noneMatch(file -> file.toString().endsWith(".partial")));
        }
    }

    private void assertRefused(String expected, String arguments) {
        assertEquals(expected.replace("@", folder.toString()), refusal(arguments));
    }

    private void assertRefusedMentioning(String expected, String arguments) {
        String refusal = refusal(arguments);
        assertTrue(refusal.contains(expected), refusal);
    }

    private String refusal(String arguments) {
        String sync = arguments.contains("'sync'") ? "" : "'sync': 'full', ";
        return monitor.refused(
                text("{'execute': 'drive-backup', 'arguments': {'device': 'drive0', " + sync + arguments + "}}"));
    }

    private void beginChains() throws Exception {
        for (int drive = 0; drive < 2; drive++) {
            add("drive" + drive);
            monitor.run(text(full("drive" + drive, "full" + drive)));
            assertSucceeds("drive" + drive);
            prepare("inc" + drive, "full" + drive);
        }
        monitor.forgetEvents();
    }

    private void run(String arguments) {
        monitor.run(text("{'execute': 'drive-backup', 'arguments': " + arguments + "}"));
        assertSucceeds("drive0");
    }

    private void add(String drive) {
        monitor.run("{'execute': 'block-dirty-bitmap-add', 'arguments': {'node': '" + drive + "', 'name': 'b'}}");
    }

    private static String full(String drive, String target) {
        return "{'execute': 'drive-backup', 'arguments': {'device': '" + drive
                + "', 'sync': 'full', 'format': 'qcow2', 'target': '@/" + target + "'}}";
    }

    private void writeSomewhere(String drive) throws IOException {
        byte[] data = new byte[1 + random.nextInt(300_000)];
        random.nextBytes(data);
        try (NbdClient guest = live.guest(drive)) {
            guest.write(random.nextLong(SIZE_BYTES - data.length), ByteBuffer.wrap(data), Durability.CACHED);
        }
    }

    private long count(int drive) {
        return monitor.run("{'execute': 'query-block'}")
                .get(drive)
                .get("inserted")
                .get("dirty-bitmaps")
                .get(0)
                .get("count")
                .longValue();
    }

    private void awaitStatus(String job, String status) {
        monitor.event(event -> event.path("data").path("id").asText().equals(job)
                && event.path("data").path("status").asText().equals(status));
    }

    private void gone(String job) {
        awaitStatus(job, "null");
    }

    private void assertSucceeds(String job) {
        JsonNode end = monitor.jobEnd(job);
        assertEquals("BLOCK_JOB_COMPLETED", end.get("event").textValue(), end::toString);
        assertFalse(end.get("data").has("error"), end::toString);
        gone(job);
    }

    private static String describe(JsonNode error) {
        return error.get("device").textValue() + " " + error.get("operation").textValue() + " "
                + error.get("action").textValue();
    }

    private void prepare(String image, String backing) throws Exception {
        Tool.run("qemu-img", "create", "-f", "qcow2", path(image), "-b", backing, "-F", "qcow2")
                .success();
    }

    private void assertIsDrive(String drive, String image) throws Exception {
        Tool.run("qemu-img", "check", "-f", "qcow2", path(image)).success();
        Tool.run(
                        "qemu-img",
                        "compare",
                        "-U",
                        "-f",
                        "raw",
                        "-F",
                        "qcow2",
                        live.image(drive).toString(),
                        path(image))
                .success();
    }

    private String text(String template) {
        return template.replace("@", folder.toString());
    }

    private String path(String name) {
        return folder.resolve(name).toString();
    }
}
