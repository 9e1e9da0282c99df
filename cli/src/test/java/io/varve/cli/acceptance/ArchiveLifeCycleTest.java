package io.varve.cli.acceptance;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.json.JsonMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.varve.archive.Catalog;
import io.varve.archive.SyncPoint;
import io.varve.archive.store.ObjectStore;
import io.varve.archive.store.WhenMissing;
import io.varve.cli.qmp.QmpClient;
import io.varve.formats.nbd.NbdAddress;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Objects;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The life cycle of QEMU's incremental backups, in the talk's own JSON, with the archive as the target. */
class ArchiveLifeCycleTest {
    private static final JsonMapper JSON = new JsonMapper();
    private static final Duration PATIENCE = Duration.ofSeconds(60);

    @TempDir
    static Path folder;

    private static TestStack stack;
    private static QmpClient monitor;

    @BeforeAll
    static void start() throws Exception {
        stack = TestStack.start(folder);
        monitor = QmpClient.connect(NbdAddress.parse(stack.stack().agent()), PATIENCE);
    }

    @AfterAll
    static void stop() throws Exception {
        monitor.close();
        stack.close();
    }

    // I6
    @Test
    void shouldTakeTheLifeCycleOfTheTalkIntoTheArchive() throws Exception {
        stack.qemuIo("drive0", "write -P 0x11 0 9M", "flush");
        back("new-chain.json");
        stack.qemuIo("drive0", "write -P 0x12 1M 100k", "write -z 2M 1M", "flush");
        back("first-incremental.json");
        stack.qemuIo("drive0", "write -P 0x13 60M 512", "flush");
        back("subsequent-incremental.json");
        stack.qemuIo("drive0", "write -P 0x14 30M 3M", "flush");
        back("new-sync-point.json");
        stack.qemuIo("drive0", "write -P 0x15 31M 64k", "flush");
        back("subsequent-incremental.json");

        stack.qemuIo("drive1", "write -P 0x21 5M 5M", "flush");
        run(example("new-chain.json").replace("drive0", "drive1").replace("bitmap0", "bitmap1"));
        mustBeTheDrives(newest());
        stack.qemuIo("drive0", "write -P 0x16 0 64k", "flush");
        stack.qemuIo("drive1", "write -P 0x26 6M 64k", "flush");
        back("multi-drive.json");
        assertEquals(2, newest().drives().size());
    }

    private static void back(String example) throws Exception {
        run(example(example));
        mustBeTheDrives(newest());
    }

    private static String example(String name) throws IOException {
        try (InputStream resource =
                Objects.requireNonNull(QmpClient.class.getResourceAsStream("/io/varve/capture/qmp/" + name))) {
            return new String(resource.readAllBytes(), StandardCharsets.UTF_8)
                    .replaceAll("\"target\": \"[^\"]*\"", "\"target\": \"archive:\"");
        }
    }

    /** Runs a command and waits until its jobs have ended. */
    private static void run(String text) throws Exception {
        ObjectNode command = (ObjectNode) JSON.readTree(text);
        monitor.execute(command.path("execute").asText(), (ObjectNode) command.path("arguments"));
        for (JsonNode jobs = jobs(); !jobs.isEmpty(); jobs = jobs()) {
            boolean _ = monitor.awaitEvent(Duration.ofMillis(200));
        }
    }

    private static JsonNode jobs() throws Exception {
        return monitor.execute("query-block-jobs", JSON.createObjectNode());
    }

    private static SyncPoint newest() throws IOException {
        try (ObjectStore store = stack.stack().archive().open(WhenMissing.REFUSE)) {
            return new Catalog(store).list().getLast();
        }
    }

    private static void mustBeTheDrives(SyncPoint syncPoint) throws Exception {
        assertTrue(syncPoint.state() instanceof SyncPoint.State.Committed, syncPoint::toString);
        Path to = Files.createDirectories(folder.resolve("restored-" + syncPoint.id()));
        stack.varve("restore", "--sync-point", syncPoint.id().value(), "--to", to.toString())
                .well();
        for (var entry : syncPoint.drives().entrySet()) {
            String drive = entry.getKey().value();
            assertEquals(-1, Files.mismatch(to.resolve(drive + ".raw"), stack.image(drive)), drive);
            SyncPoint.DriveBackup.Committed backup = (SyncPoint.DriveBackup.Committed) entry.getValue();
            // The embedded store keeps an object as a file: qemu-img opens the chain as it lies in the bucket.
            String image = folder.resolve("data/store/varve/archive")
                    .resolve(backup.manifest().data().key().value())
                    .toString();
            Command.run("qemu-img", "check", "-f", "qcow2", image).well();
            Command.run(List.of(
                            "qemu-img",
                            "compare",
                            "-U",
                            "-f",
                            "raw",
                            "-F",
                            "qcow2",
                            stack.image(drive).toString(),
                            image))
                    .well();
        }
    }
}
