package io.varve.capture.qmp;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.varve.core.Seeds;
import io.varve.core.Tool;
import io.varve.embedded.stack.ChildProcess;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** {@code block-commit}, while a guest writes. */
@Timeout(180)
class BlockCommitTest {
    private static final int SIZE_BYTES = 8 << 20;
    private static final int CLUSTER_BYTES = 65_536;

    @TempDir
    private Path folder;

    private String file(String name) {
        return folder.resolve(name).toString();
    }

    private void makeImage() throws Exception {
        for (String name : List.of("drive.qcow2", "mid", "top", "all.raw")) {
            Files.deleteIfExists(folder.resolve(name));
        }
        Tool.run("qemu-img", "create", "-f", "qcow2", file("drive.qcow2"), String.valueOf(SIZE_BYTES))
                .success();
    }

    private void run(QmpClient monitor, String command, String arguments) {
        JsonNode _ = monitor.run(text("{'execute': '" + command + "', 'arguments': {" + arguments + "}}"));
    }

    private String refused(QmpClient monitor, String arguments) {
        return monitor.refused(text("{'execute': 'block-commit', 'arguments': {" + arguments + "}}"));
    }

    private String text(String quoted) {
        return quoted.replace("@", folder.toString()).replace('\'', '"');
    }

    private void snapshot(QmpClient monitor, String name) {
        run(
                monitor,
                "blockdev-snapshot-sync",
                "'device': 'drive0', 'snapshot-file': '@/" + name + "', 'snapshot-node-name': '" + name + "'");
    }

    private static JsonNode drive(QmpClient monitor) {
        return monitor.run("{'execute': 'query-block'}").get(0).path("inserted");
    }

    private static JsonNode ready(QmpClient monitor) {
        return monitor.event(event -> event.path("event").asText().equals("BLOCK_JOB_READY"));
    }

    private static void checkEndedWell(QmpClient monitor) {
        JsonNode end = monitor.jobEnd("drive0");
        assertEquals("BLOCK_JOB_COMPLETED", end.path("event").asText());
        assertFalse(end.path("data").has("error"), end::toString);
        assertEquals(
                end.path("data").path("len").asLong(),
                end.path("data").path("offset").asLong());
        JsonNode _ = monitor.gone("drive0");
    }

    /** As QEMU sees an image and what lies under it. */
    private void checkContent(String image, byte[] expected) throws Exception {
        Tool.run("qemu-img", "check", file(image)).success();
        Tool.run("qemu-img", "convert", "-O", "raw", file(image), file("all.raw"))
                .success();
        assertArrayEquals(expected, Files.readAllBytes(folder.resolve("all.raw")), image);
    }

    /** Runs it with a few seeds, each on a new image. */
    private void eachTime(Attempt attempt) {
        Seeds.forEach(3, random -> {
            try {
                makeImage();
                attempt.run(random);
            } catch (IOException e) {
                throw new IllegalStateException(e);
            } catch (RuntimeException e) {
                throw e;
            } catch (Exception e) {
                throw new IllegalStateException(e);
            }
        });
    }

    private interface Attempt {
        void run(SplittableRandom random) throws Exception;
    }

    @Test
    void shouldSwitchAGuestOverToTheBaseWithAllThatItWrote() {
        eachTime(this::commitActive);
    }

    private void commitActive(SplittableRandom random) throws Exception {
        byte[] content = new byte[SIZE_BYTES];
        long writtenBytes;
        try (ImageAgent agent = ImageAgent.start(folder);
                QmpClient monitor = agent.monitor()) {
            run(monitor, "block-dirty-bitmap-add", "'node': 'drive0', 'name': 'b', 'persistent': true");
            try (ChangingGuest guest = new ChangingGuest(folder, random.split(), content)) {
                guest.goOn(20);
                snapshot(monitor, "top");
                guest.goOn(20);
                run(monitor, "block-commit", "'device': 'drive0'");
                JsonNode _ = ready(monitor);
                guest.goOn(20);
                run(monitor, "block-job-complete", "'device': 'drive0'");
                checkEndedWell(monitor);
                guest.goOn(20);
                guest.close();
                writtenBytes = guest.writtenBytes(CLUSTER_BYTES);
            }
            JsonNode drive = drive(monitor);
            assertEquals(file("drive.qcow2"), drive.path("file").asText());
            assertEquals(0, drive.path("backing_file_depth").asInt());
            assertEquals(
                    writtenBytes, ImageAgent.bitmap(monitor, "b").path("count").asLong());
            assertTrue(monitor.run("{'execute': 'query-named-block-nodes'}").findValuesAsText("node-name").stream()
                    .noneMatch("top"::equals));
        }
        checkContent("drive.qcow2", content);
    }

    @Test
    void shouldLeaveOutAnImageUnderTheOneThatAGuestWritesTo() {
        eachTime(this::commitIntermediate);
    }

    private void commitIntermediate(SplittableRandom random) throws Exception {
        byte[] content = new byte[SIZE_BYTES];
        try (ImageAgent agent = ImageAgent.start(folder);
                QmpClient monitor = agent.monitor()) {
            try (ChangingGuest guest = new ChangingGuest(folder, random.split(), content)) {
                guest.goOn(20);
                snapshot(monitor, "mid");
                guest.goOn(20);
                snapshot(monitor, "top");
                guest.goOn(20);
                run(monitor, "block-commit", "'device': 'drive0', 'top': '@/mid', 'base': '@/drive.qcow2'");
                checkEndedWell(monitor);
                guest.goOn(20);
            }
            JsonNode drive = drive(monitor);
            assertEquals("top", drive.path("node-name").asText());
            assertEquals(1, drive.path("backing_file_depth").asInt());
            assertEquals(file("drive.qcow2"), drive.path("backing_file").asText());
        }
        Files.delete(folder.resolve("mid"));
        checkContent("top", content);
        JsonNode info = new ObjectMapper()
                .readTree(Tool.run("qemu-img", "info", "--output=json", file("top"))
                        .success());
        assertEquals(file("drive.qcow2"), info.path("full-backing-filename").asText());
        assertEquals("qcow2", info.path("backing-filename-format").asText());
        Tool.run("qemu-img", "check", file("drive.qcow2")).success();
    }

    @Test
    void shouldHoldGuestsOnlyWhenItsFinalized() {
        eachTime(this::commitAtAWord);
    }

    private void commitAtAWord(SplittableRandom random) throws Exception {
        byte[] content = new byte[SIZE_BYTES];
        try (ImageAgent agent = ImageAgent.start(folder);
                QmpClient monitor = agent.monitor()) {
            snapshot(monitor, "top");
            try (ChangingGuest guest = new ChangingGuest(folder, random.split(), content)) {
                guest.goOn(20);
                run(monitor, "block-commit", "'device': 'drive0', 'auto-finalize': false, 'job-id': 'drive0'");
                JsonNode _ = ready(monitor);
                run(monitor, "job-complete", "'id': 'drive0'");
                JsonNode _ = monitor.event(event -> event.path("event").asText().equals("BLOCK_JOB_PENDING"));
                guest.goOn(20);
                assertEquals("top", drive(monitor).path("node-name").asText());
                run(monitor, "job-finalize", "'id': 'drive0'");
                checkEndedWell(monitor);
                guest.goOn(20);
            }
            assertEquals(0, drive(monitor).path("backing_file_depth").asInt());
        }
        checkContent("drive.qcow2", content);
    }

    @Test
    void shouldStayOnTheOverlayWhenItsCancelled() throws Exception {
        makeImage();
        byte[] content = new byte[SIZE_BYTES];
        try (ImageAgent agent = ImageAgent.start(folder);
                QmpClient monitor = agent.monitor()) {
            snapshot(monitor, "top");
            try (ChangingGuest guest = new ChangingGuest(folder, new SplittableRandom(1), content)) {
                guest.goOn(20);
                run(monitor, "block-commit", "'device': 'drive0'");
                JsonNode _ = ready(monitor);
                run(monitor, "block-job-cancel", "'device': 'drive0'");
                checkEndedWell(monitor);
                guest.goOn(20);
                run(monitor, "block-commit", "'device': 'drive0', 'speed': 1");
                assertEquals(
                        "Node 'drive0' is busy: block device is in use by block job: commit",
                        refused(monitor, "'device': 'drive0', 'job-id': 'other'"));
                run(monitor, "block-job-cancel", "'device': 'drive0', 'force': true");
                assertEquals(
                        "BLOCK_JOB_CANCELLED",
                        monitor.jobEnd("drive0").path("event").asText());
                guest.goOn(20);
            }
            assertEquals("top", drive(monitor).path("node-name").asText());
            assertTrue(drive(monitor).path("ro").isBoolean());
        }
        checkContent("top", content);
        Tool.run("qemu-img", "check", file("drive.qcow2")).success();
    }

    @Test
    void shouldLeaveTheOldChainRightWhenTheAgentIsKilled() throws Exception {
        makeImage();
        try (ChildProcess child = ImageAgent.startChild(folder, "drive.qcow2");
                QmpClient monitor = ImageAgent.monitor(folder)) {
            ImageAgent.guest(folder, "write -P 1 0 8M");
            run(monitor, "block-dirty-bitmap-add", "'node': 'drive0', 'name': 'b', 'persistent': true");
            snapshot(monitor, "top");
            ImageAgent.guest(folder, "write -P 2 0 4M");
            run(monitor, "block-commit", "'device': 'drive0', 'speed': 1");
            // Its first megabyte goes at once, and the next one never.
            while (monitor.run("{'execute': 'query-block-jobs'}")
                            .get(0)
                            .path("offset")
                            .asLong()
                    == 0) {
                Thread.onSpinWait();
            }
            ImageAgent.guest(folder, "write -P 3 512k 64k");
            child.killNow();
        }
        byte[] expected = new byte[SIZE_BYTES];
        Arrays.fill(expected, (byte) 1);
        Arrays.fill(expected, 0, 4 << 20, (byte) 2);
        Arrays.fill(expected, 512 << 10, 576 << 10, (byte) 3);
        Tool.run("qemu-img", "convert", "-O", "raw", file("top"), file("all.raw"))
                .success();
        assertArrayEquals(expected, Files.readAllBytes(folder.resolve("all.raw")));

        try (ImageAgent agent = ImageAgent.start(folder, "top");
                QmpClient monitor = agent.monitor()) {
            run(monitor, "block-commit", "'device': 'drive0'");
            JsonNode _ = ready(monitor);
            run(monitor, "block-job-complete", "'device': 'drive0'");
            checkEndedWell(monitor);
            agent.guest("write -P 4 7M 64k");
        }
        Arrays.fill(expected, 7 << 20, (7 << 20) + CLUSTER_BYTES, (byte) 4);
        checkContent("drive.qcow2", expected);
    }

    @Test
    void shouldRefuseInQemusWords() throws Exception {
        makeImage();
        try (ImageAgent agent = ImageAgent.start(folder);
                QmpClient monitor = agent.monitor()) {
            assertEquals("cannot commit an image into itself", refused(monitor, "'device': 'drive0'"));
            snapshot(monitor, "mid");
            snapshot(monitor, "top");
            JsonNode missing = monitor.send(text("{'execute': 'block-commit', 'arguments': {'device': 'zz'}}"));
            assertEquals("DeviceNotFound", missing.at("/error/class").asText());
            assertEquals("Need a root block node", refused(monitor, "'device': 'mid'"));
            assertEquals("Top image file zz not found", refused(monitor, "'device': 'drive0', 'top': 'zz'"));
            assertEquals("Can't find 'zz' in the backing chain", refused(monitor, "'device': 'drive0', 'base': 'zz'"));
            assertEquals(
                    "'top-node' and 'top' are mutually exclusive",
                    refused(monitor, "'device': 'drive0', 'top': 'zz', 'top-node': 'mid'"));
            assertEquals(
                    "'base-node' and 'base' are mutually exclusive",
                    refused(monitor, "'device': 'drive0', 'base': 'zz', 'base-node': 'mid'"));
            assertEquals(
                    "Cannot find device='' nor node-name='zz'",
                    refused(monitor, "'device': 'drive0', 'top-node': 'zz'"));
            assertEquals(
                    "'top' is not in this backing file chain",
                    refused(monitor, "'device': 'drive0', 'top-node': 'mid', 'base-node': 'top'"));
            assertEquals(
                    "'backing-file' specified, but 'top' is the active layer",
                    refused(monitor, "'device': 'drive0', 'backing-file': 'zz'"));
            assertEquals(
                    "Parameter 'speed' expects a non-negative value",
                    refused(monitor, "'device': 'drive0', 'speed': -1"));
            assertEquals("Invalid job ID '1'", refused(monitor, "'device': 'drive0', 'job-id': '1'"));
            assertEquals("top", drive(monitor).path("node-name").asText());
        }
    }
}
