package io.varve.capture.qmp;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.varve.core.Tool;
import io.varve.embedded.stack.ChildProcess;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** Persistent bitmaps that QEMU and Varve hand each other in an image: neither misses what the other's guest wrote. */
@Timeout(120)
class QemuBitmapsTest {
    private static final int GRANULE = 65_536;

    @TempDir
    private Path folder;

    private Path image;

    @BeforeEach
    void makeImage() throws Exception {
        image = folder.resolve("drive.qcow2");
        qemuImg("create", "-f", "qcow2", image.toString(), "4M");
        qemuIo("write -P 1 0 1M");
    }

    @Test
    void shouldTakeAnIncrementByABitmapOfQemus() throws Exception {
        Files.copy(image, folder.resolve("full.qcow2"));
        qemuImg("bitmap", "--add", image.toString(), "b0");
        qemuIo("write -P 2 64k 64k", "write -P 3 3M 4k");

        try (ImageAgent agent = ImageAgent.start(folder);
                QmpClient monitor = agent.monitor()) {
            assertEquals(
                    "{'name':'b0','recording':true,'persistent':true,'busy':false,'granularity':65536,'count':131072}"
                            .replace('\'', '"'),
                    ImageAgent.bitmap(monitor, "b0").toString());
            assertEquals("[\"in-use\",\"auto\"]", flags("b0"));
            agent.guest("write -P 4 2M 64k");
            increment(monitor, "b0");
            assertEquals(0, count(monitor, "b0"));
        }
        assertIncrement(List.of(1L, 32L, 48L));
        assertEquals("[\"auto\"]", flags("b0"));

        // Varve's journal is older than what QEMU does now.
        qemuIo("write -P 5 512k 64k");
        try (ImageAgent agent = ImageAgent.start(folder);
                QmpClient monitor = agent.monitor()) {
            assertEquals(GRANULE, count(monitor, "b0"));
        }
        qemuImg("bitmap", "--remove", image.toString(), "b0");
        try (ImageAgent agent = ImageAgent.start(folder);
                QmpClient monitor = agent.monitor()) {
            assertTrue(ImageAgent.bitmap(monitor, "b0").isMissingNode());
        }
    }

    @Test
    void shouldMakeABitmapThatServesQemu() throws Exception {
        try (ImageAgent agent = ImageAgent.start(folder);
                QmpClient monitor = agent.monitor()) {
            begin(monitor);
            add(monitor, "'name': 'off', 'persistent': true, 'disabled': true, 'granularity': 4096");
            add(monitor, "'name': 'passing'");
            agent.guest("write -P 2 64k 64k");
            agent.guest("write -P 3 3M 4k");
        }
        assertEquals("[\"auto\"]", flags("b0"));
        assertEquals("[]", flags("off"));
        assertEquals("", flags("passing"));

        try (QemuDaemon qemu = QemuDaemon.start(folder)) {
            qemu.open("drive0", image, false);
            makeIncrement();
            qemu.open("target", folder.resolve("increment.qcow2"), false);
            QmpClient monitor = qemu.monitor();
            monitor.run("{'execute': 'blockdev-backup', 'arguments': {'device': 'drive0', 'target': 'target',"
                    + " 'sync': 'incremental', 'bitmap': 'b0', 'job-id': 'job'}}");
            assertFalse(monitor.jobEnd("job").path("data").has("error"));
        }
        assertIncrement(List.of(1L, 48L));

        try (ImageAgent agent = ImageAgent.start(folder);
                QmpClient monitor = agent.monitor()) {
            assertEquals(0, count(monitor, "b0"));
            assertFalse(ImageAgent.bitmap(monitor, "off").path("recording").booleanValue());
        }
    }

    @Test
    void shouldGoOnAfterAKillWhereQemuWouldNot() throws Exception {
        try (ImageAgent agent = ImageAgent.start(folder);
                QmpClient monitor = agent.monitor()) {
            begin(monitor);
            agent.guest("write -P 2 64k 64k");
        }
        try (ChildProcess child = ImageAgent.startChild(folder, "drive.qcow2")) {
            ImageAgent.guest(folder, "write -P 3 3M 4k");
            child.killNow();
        }

        assertEquals("[\"in-use\",\"auto\"]", flags("b0"));
        try (QemuDaemon qemu = QemuDaemon.start(folder)) {
            qemu.open("drive0", image, true);
            JsonNode node =
                    qemu.monitor().run("{'execute': 'query-named-block-nodes'}").get(0);
            assertTrue(node.at("/dirty-bitmaps/0/inconsistent").booleanValue(), node::toString);
        }
        try (ImageAgent agent = ImageAgent.start(folder);
                QmpClient monitor = agent.monitor()) {
            assertEquals(2 * GRANULE, count(monitor, "b0"));
            agent.guest("write -P 4 2M 64k");
            increment(monitor, "b0");
        }
        assertIncrement(List.of(1L, 32L, 48L));
        assertEquals("[\"auto\"]", flags("b0"));
    }

    @Test
    void shouldNotBelieveABitmapOfAQemuThatWasKilled() throws Exception {
        qemuImg("bitmap", "--add", image.toString(), "b0");
        try (QemuDaemon qemu = QemuDaemon.start(folder)) {
            qemu.open("drive0", image, false);
            qemu.killNow();
        }

        try (ImageAgent agent = ImageAgent.start(folder);
                QmpClient monitor = agent.monitor()) {
            assertTrue(ImageAgent.bitmap(monitor, "b0").path("inconsistent").booleanValue());
            assertEquals(
                    "Bitmap 'b0' is inconsistent and cannot be used",
                    monitor.refused("{'execute': 'drive-backup', 'arguments': {'device': 'drive0', 'sync':"
                            + " 'incremental', 'bitmap': 'b0', 'target': '" + folder.resolve("none") + "'}}"));
            monitor.run("{'execute': 'block-dirty-bitmap-remove', 'arguments': {'node': 'drive0', 'name': 'b0'}}");
            assertEquals("", flags("b0"));
            add(monitor, "'name': 'b0', 'persistent': true");
        }
        assertEquals("[\"auto\"]", flags("b0"));
        qemuImg("check", image.toString());
    }

    @Test
    void shouldLeaveTheBitmapsOfAReadOnlyNodeAloneUntilItIsReopened() throws Exception {
        try (ImageAgent agent = ImageAgent.start(folder);
                QmpClient monitor = agent.monitor()) {
            image = folder.resolve("other.qcow2");
            qemuImg("create", "-f", "qcow2", image.toString(), "1M");
            qemuImg("bitmap", "--add", image.toString(), "b0");
            qemuImg("bitmap", "--add", image.toString(), "b1");
            String remove = "{'execute': 'block-dirty-bitmap-remove', 'arguments': {'node': 'node0', 'name': 'b0'}}";
            monitor.run("{'execute': 'blockdev-add', 'arguments': " + options(true) + "}");
            assertEquals("Bitmap 'b0' is readonly and cannot be modified", monitor.refused(remove));
            assertEquals("[\"auto\"]", flags("b1"));

            monitor.run("{'execute': 'blockdev-reopen', 'arguments': {'options': [" + options(false) + "]}}");
            assertEquals("[\"in-use\",\"auto\"]", flags("b1"));
            monitor.run(remove);
            monitor.run("{'execute': 'blockdev-reopen', 'arguments': {'options': [" + options(true) + "]}}");

            assertEquals("", flags("b0"));
            assertEquals("[\"auto\"]", flags("b1"));
            monitor.run("{'execute': 'blockdev-del', 'arguments': {'node-name': 'node0'}}");
        }
        qemuImg("check", image.toString());
    }

    private String options(boolean readOnly) {
        return "{'driver': 'qcow2', 'node-name': 'node0', 'read-only': " + readOnly
                + ", 'file': {'driver': 'file', 'filename': '" + image + "'}}";
    }

    @Test
    void shouldHaveStoredBitmapsFollowTheSizeOfTheImage() throws Exception {
        qemuImg("bitmap", "--add", image.toString(), "b0");
        try (ImageAgent agent = ImageAgent.start(folder);
                QmpClient monitor = agent.monitor()) {
            monitor.run("{'execute': 'block_resize', 'arguments': {'device': 'drive0', 'size': 8388608}}");
            agent.guest("write -P 2 7M 64k");
            agent.guest("write -P 3 2M 128k");
            monitor.run("{'execute': 'block_resize', 'arguments': {'device': 'drive0', 'size': 2162688}}");
            assertEquals("[\"in-use\",\"auto\"]", flags("b0"));
            monitor.run("{'execute': 'block_resize', 'arguments': {'device': 'drive0', 'size': 4194304}}");
        }

        qemuImg("check", image.toString());
        assertFalse(qemuIo("read -P 0 2162688 2031616", "read -P 3 2M 64k").contains("failed"));
        try (QemuDaemon qemu = QemuDaemon.start(folder)) {
            qemu.open("drive0", image, true);
            JsonNode bitmap = qemu.monitor()
                    .run("{'execute': 'query-named-block-nodes'}")
                    .get(0)
                    .at("/dirty-bitmaps/0");
            assertTrue(bitmap.path("count").intValue() >= GRANULE, bitmap::toString);
            assertFalse(bitmap.has("inconsistent"), bitmap::toString);
        }
    }

    private void begin(QmpClient monitor) {
        monitor.run("{'execute': 'transaction', 'arguments': {'actions': ["
                + "{'type': 'block-dirty-bitmap-add', 'data': {'node': 'drive0', 'name': 'b0', 'persistent': true}},"
                + "{'type': 'drive-backup', 'data': {'device': 'drive0', 'sync': 'full', 'format': 'qcow2',"
                + " 'target': '" + folder.resolve("full.qcow2") + "'}}]}}");
        assertFalse(monitor.jobEnd("drive0").path("data").has("error"));
    }

    private static void add(QmpClient monitor, String arguments) {
        monitor.run("{'execute': 'block-dirty-bitmap-add', 'arguments': {'node': 'drive0', " + arguments + "}}");
    }

    private void increment(QmpClient monitor, String bitmap) throws Exception {
        makeIncrement();
        monitor.run("{'execute': 'drive-backup', 'arguments': {'device': 'drive0', 'sync': 'incremental', 'bitmap': '"
                + bitmap + "', 'mode': 'existing', 'format': 'qcow2', 'target': '"
                + folder.resolve("increment.qcow2") + "'}}");
        assertFalse(monitor.jobEnd("drive0").path("data").has("error"));
    }

    private void makeIncrement() throws Exception {
        qemuImg(
                "create",
                "-f",
                "qcow2",
                "-F",
                "qcow2",
                "-b",
                folder.resolve("full.qcow2").toString(),
                folder.resolve("increment.qcow2").toString());
    }

    private static int count(QmpClient monitor, String bitmap) {
        return ImageAgent.bitmap(monitor, bitmap).path("count").intValue();
    }

    /** Over the full backup it's the drive, and it holds no granules but these. */
    private void assertIncrement(List<Long> granules) throws Exception {
        String increment = folder.resolve("increment.qcow2").toString();
        qemuImg("compare", image.toString(), increment);
        long copiedBytes = 0;
        for (JsonNode extent : new ObjectMapper().readTree(qemuImg("map", "--output=json", increment))) {
            if (extent.path("depth").intValue() == 0) {
                copiedBytes += extent.path("length").longValue();
                assertTrue(granules.contains(extent.path("start").longValue() / GRANULE), extent::toString);
            }
        }
        assertEquals((long) granules.size() * GRANULE, copiedBytes);
    }

    /** What the image says of a bitmap; nothing when it's not there. */
    private String flags(String name) throws Exception {
        JsonNode info = new ObjectMapper().readTree(qemuImg("info", "-U", "--output=json", image.toString()));
        for (JsonNode bitmap : info.at("/format-specific/data/bitmaps")) {
            if (bitmap.path("name").asText().equals(name)) {
                return bitmap.path("flags").toString();
            }
        }
        return "";
    }

    private static String qemuImg(String... arguments) throws Exception {
        String[] command = new String[arguments.length + 1];
        command[0] = "qemu-img";
        System.arraycopy(arguments, 0, command, 1, arguments.length);
        return Tool.run(command).success();
    }

    private String qemuIo(String... commands) throws Exception {
        String[] command = new String[4 + 2 * commands.length];
        command[0] = "qemu-io";
        command[1] = "-f";
        command[2] = "qcow2";
        command[3] = image.toString();
        for (int index = 0; index < commands.length; index++) {
            command[4 + 2 * index] = "-c";
            command[5 + 2 * index] = commands[index];
        }
        return Tool.run(command).success();
    }
}
