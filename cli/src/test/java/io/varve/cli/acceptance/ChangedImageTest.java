package io.varve.cli.acceptance;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.json.JsonMapper;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.varve.cli.qmp.QmpClient;
import io.varve.cli.stack.Member;
import io.varve.cli.stack.StackRole;
import io.varve.formats.nbd.NbdAddress;
import java.io.IOException;
import java.io.RandomAccessFile;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.attribute.FileTime;
import java.time.Duration;
import java.util.Arrays;
import java.util.Comparator;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.MethodOrderer;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestMethodOrder;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** An image that isn't as Varve left it costs one read of the drive, and no full backup. */
@Timeout(240)
@TestMethodOrder(MethodOrderer.MethodName.class)
class ChangedImageTest {
    private static final Duration PATIENCE = Duration.ofSeconds(90);
    private static final int CLUSTER = 65_536;

    @TempDir
    static Path folder;

    private static TestStack stack;

    @BeforeAll
    static void start() throws Exception {
        stack = TestStack.start(folder);
        stack.qemuIo("drive0", "write -P 17 0 12M", "flush");
        stack.qemuIo("drive1", "write -P 18 0 1M", "flush");
        assertEquals(0, stack.varve("backup").exitCode());
        stack.qemuIo("drive0", "write -P 33 20M 1M", "flush");
        assertEquals("incremental", kindOf(backUp(), "drive0"));
    }

    @AfterAll
    static void stop() throws Exception {
        stack.close();
    }

    @Test
    void shouldBackUpExactlyWhatWasChangedWhileNoAgentHadTheDrive() throws Exception { // I1, I6
        changed(image -> {
            patch(image, 3L * CLUSTER, 1);
            patch(image, 40L << 20, 5);
            // What is written with the same is no difference.
            rewrite(image, 7L * CLUSTER);
        });
        String why = refusal();
        assertTrue(why.contains("bitmap 'varve' is inconsistent: the image was changed"), why);
        assertTrue(why.contains("varve reconcile drive0"), why);

        JsonNode reconciled = reconcile();

        assertEquals(2 * CLUSTER, reconciled.path("differing-bytes").asLong());
        assertEquals(64L << 20, reconciled.path("size-bytes").asLong());
        stack.qemuIo("drive0", "write -P 34 50M 64k", "flush");
        mustBeAnIncrementOf(3 * CLUSTER);
    }

    @Test
    void shouldBackUpAllOfAnImageThatIsAnotherOneByAnIncrement() throws Exception { // I1, I6
        changed(image -> {
            Path other = folder.resolve("other");
            byte[] content = new byte[1 << 20];
            Arrays.fill(content, (byte) 99);
            Files.write(other, content);
            try (RandomAccessFile file = new RandomAccessFile(other.toFile(), "rw")) {
                file.setLength(TestStack.DRIVE_BYTES);
            }
            Files.move(other, image, StandardCopyOption.REPLACE_EXISTING);
        });
        String why = refusal();
        assertTrue(why.contains("is inconsistent"), why);

        JsonNode reconciled = reconcile();

        // What the parent has and this one hasn't are zeros now.
        assertTrue(reconciled.path("differing-bytes").asLong() >= 12 << 20, reconciled::toString);
        mustBeAnIncrementOf(reconciled.path("dirty-bytes").asLong());
    }

    @Test
    void shouldBackUpAnImageOfAnotherSizeByAnIncrement() throws Exception { // I1, I6
        changed(image -> patch(image, TestStack.DRIVE_BYTES + CLUSTER, 7));
        String why = refusal();
        assertTrue(why.contains("the image has") && why.contains("expected " + TestStack.DRIVE_BYTES), why);

        JsonNode reconciled = reconcile();

        assertEquals(CLUSTER, reconciled.path("differing-bytes").asLong());
        mustBeAnIncrementOf(CLUSTER);
        changed(image -> {
            try (RandomAccessFile file = new RandomAccessFile(image.toFile(), "rw")) {
                file.setLength(TestStack.DRIVE_BYTES);
            }
        });
        assertEquals(0, reconcile().path("differing-bytes").asLong());
        mustBeAnIncrementOf(0);
    }

    @Test
    void shouldGoOnWithTheChainWhenTheAgentsStateWasLost() throws Exception { // I1, I6
        Member agent = capture();
        agent.takeDown();
        deleteAll(folder.resolve("data/agent/state/drive0"));
        patch(stack.image("drive0"), 9L * CLUSTER, 3);
        agent.bringUp();
        assertTrue(agent.awaitServing(PATIENCE));
        assertTrue(refusal().contains("there's no bitmap 'varve'"));

        JsonNode reconciled = reconcile();

        assertEquals(CLUSTER, reconciled.path("differing-bytes").asLong());
        mustBeAnIncrementOf(CLUSTER);
    }

    @Test
    void shouldRebuildABitmapFromTwoImages() throws Exception { // the talk's wish
        String image = stack.image("drive1").toString();
        String old = folder.resolve("old.qcow2").toString();
        String increment = folder.resolve("increment.qcow2").toString();
        Command.run("qemu-img", "convert", "-U", "-f", "raw", "-O", "qcow2", image, old)
                .well();
        stack.qemuIo("drive1", "write -P 77 5M 128k", "write -z 128k 64k", "flush");

        String said = stack.varve("reconcile", "drive1", "--bitmap", "rebuilt", "--image", old + ",format=qcow2")
                .well();

        assertTrue(said.contains("drive1  reconciled with the image: 0.2 of 64.0 MiB differ"), said);
        stack.qemuIo("drive1", "write -P 78 10M 64k", "flush");
        Command.run("qemu-img", "create", "-q", "-f", "qcow2", "-b", old, "-F", "qcow2", increment)
                .well();
        backUpToFile("drive1", "rebuilt", increment);
        Command.run("qemu-img", "compare", "-U", "-f", "qcow2", "-F", "raw", increment, image)
                .well();
    }

    private static void backUpToFile(String drive, String bitmap, String target) throws Exception {
        try (QmpClient client = QmpClient.connect(NbdAddress.parse(stack.stack().agent()), PATIENCE)) {
            ObjectNode none = JsonNodeFactory.instance.objectNode();
            ObjectNode arguments = none.deepCopy()
                    .put("device", drive)
                    .put("bitmap", bitmap)
                    .put("target", target)
                    .put("format", "qcow2")
                    .put("sync", "incremental")
                    .put("mode", "existing");
            client.execute("drive-backup", arguments);
            while (!client.execute("query-jobs", none).isEmpty()) {
                boolean _ = client.awaitEvent(Duration.ofSeconds(1));
            }
        }
    }

    @Test
    void shouldSayWhatCantBeReconciled() throws Exception {
        Command.Said unknown = stack.varve("reconcile", "drive9");
        Command.Said noSuchPoint = stack.varve("reconcile", "drive0", "--sync-point", "no-such");
        Command.Said nothing = stack.varve("reconcile");
        Command.Said help = stack.varve("help", "reconcile");

        assertEquals(1, unknown.exitCode(), unknown::text);
        assertTrue(unknown.text().contains("holds no committed backup of drive 'drive9'"), unknown::text);
        assertEquals(1, noSuchPoint.exitCode(), noSuchPoint::text);
        assertTrue(noSuchPoint.text().contains("varve sync-points"), noSuchPoint::text);
        assertEquals(2, nothing.exitCode(), nothing::text);
        assertTrue(help.well().contains("next backup is an increment"), help::text);
    }

    /** What happens to an image while no agent has it. */
    private interface Change {
        void of(Path image) throws IOException;
    }

    private static void changed(Change change) throws Exception {
        Member agent = capture();
        agent.takeDown();
        change.of(stack.image("drive0"));
        // As one that comes later than the second's grace that an agent's last write is given.
        Files.setLastModifiedTime(stack.image("drive0"), FileTime.fromMillis(System.currentTimeMillis() + 60_000));
        agent.bringUp();
        assertTrue(agent.awaitServing(PATIENCE));
    }

    private static Member capture() {
        return stack.stack().role(StackRole.CAPTURE).orElseThrow();
    }

    private static void patch(Path image, long offsetBytes, int value) throws IOException {
        try (RandomAccessFile file = new RandomAccessFile(image.toFile(), "rw")) {
            file.seek(offsetBytes);
            byte[] cluster = new byte[CLUSTER];
            Arrays.fill(cluster, (byte) value);
            file.write(cluster);
        }
    }

    private static void rewrite(Path image, long offsetBytes) throws IOException {
        try (RandomAccessFile file = new RandomAccessFile(image.toFile(), "rw")) {
            byte[] cluster = new byte[CLUSTER];
            file.seek(offsetBytes);
            file.readFully(cluster);
            file.seek(offsetBytes);
            file.write(cluster);
        }
    }

    private static String refusal() throws Exception {
        Command.Said refused = stack.varve("backup", "--incremental", "drive0");
        assertEquals(1, refused.exitCode(), refused::text);
        return refused.text();
    }

    private static JsonNode reconcile() throws Exception {
        String said = stack.varve("reconcile", "drive0", "--json").well();
        return new JsonMapper().readTree(said.substring(said.indexOf("[{"))).path(0);
    }

    private static JsonNode backUp() throws Exception {
        JsonNode backup = stack.backup();
        backup.path("drives")
                .forEach(drive -> assertEquals("committed", drive.path("state").asText(), backup::toString));
        return backup;
    }

    private static void mustBeAnIncrementOf(long bytes) throws Exception {
        JsonNode backup = backUp();
        assertEquals("incremental", kindOf(backup, "drive0"), backup::toString);
        backup.path("drives").forEach(drive -> {
            if (drive.path("device").asText().equals("drive0")) {
                assertEquals(bytes, drive.path("total-bytes").asLong(), backup::toString);
            }
        });
        stack.mustRestoreToTheImages(backup.path("sync-point").asText());
    }

    private static String kindOf(JsonNode backup, String device) {
        for (JsonNode drive : backup.path("drives")) {
            if (drive.path("device").asText().equals(device)) {
                return drive.path("sync").asText();
            }
        }
        throw new AssertionError(backup);
    }

    private static void deleteAll(Path directory) throws IOException {
        try (var files = Files.walk(directory)) {
            for (Path file : files.sorted(Comparator.reverseOrder()).toList()) {
                Files.delete(file);
            }
        }
    }
}
