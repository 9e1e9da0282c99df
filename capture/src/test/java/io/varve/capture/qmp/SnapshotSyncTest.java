package io.varve.capture.qmp;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import io.varve.capture.CaptureRole;
import io.varve.capture.ServerConfig;
import io.varve.capture.nbd.ExportRegistry;
import io.varve.capture.tracking.AgentSurroundings;
import io.varve.core.Tool;
import io.varve.formats.nbd.NbdAddress;
import io.varve.formats.nbd.NbdUri;
import io.varve.transfer.nbd.Durability;
import io.varve.transfer.nbd.NbdClient;
import io.varve.transfer.nbd.NbdClientOptions;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.SecureRandom;
import java.time.InstantSource;
import java.util.List;
import java.util.UUID;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** {@code blockdev-snapshot-sync}, while a guest writes. */
@Timeout(120)
class SnapshotSyncTest {
    private static final int PIECE_BYTES = 512;
    private static final int PIECES = (16 << 20) / PIECE_BYTES;

    @TempDir
    private Path folder;

    private final StringBuilder console = new StringBuilder();
    private CaptureRole role;
    private QmpClient monitor;

    @BeforeEach
    void start() throws Exception {
        Tool.run("qemu-img", "create", "-f", "qcow2", file("base"), "16M").success();
        Files.writeString(
                folder.resolve("config.json"),
                text("{'name': 'snapshots', 'qmp': '@/qmp', 'nbd': '@/nbd', 'drives': [{'id': 'drive0',"
                        + " 'node-name': 'base', 'file': '@/base', 'format': 'qcow2', 'opts': {}}]}"));
        role = CaptureRole.start(
                ServerConfig.read(folder.resolve("config.json"), "varve test"),
                new AgentSurroundings(
                        new ExportRegistry(),
                        InstantSource.system(),
                        System::nanoTime,
                        new SecureRandom(),
                        new UUID(3, 4)),
                console::append);
        monitor = QmpClient.negotiated(new NbdAddress.Unix(file("qmp")));
    }

    @AfterEach
    void stop() throws IOException {
        role.close();
    }

    private String file(String name) {
        return folder.resolve(name).toString();
    }

    private String text(String quoted) {
        return quoted.replace("@", folder.toString()).replace('\'', '"');
    }

    private String refused(String command, String arguments) {
        return monitor.refused(text("{'execute': '" + command + "', 'arguments': {" + arguments + "}}"));
    }

    private NbdClient guest() throws IOException {
        return NbdClient.connect(
                new NbdUri(new NbdAddress.Unix(file("nbd")), "drive0"), List.of(), NbdClientOptions.DEFAULT);
    }

    private static void write(NbdClient guest, int piece) throws Exception {
        ByteBuffer data = ByteBuffer.allocate(PIECE_BYTES).put(0, (byte) 1);
        guest.write((long) piece * PIECE_BYTES, data, Durability.CACHED);
    }

    private JsonNode drive() {
        return monitor.run("{'execute': 'query-block'}").get(0).path("inserted");
    }

    /** Moves the bitmap to a new overlay. */
    private void snapshot(String from, String to) {
        monitor.run(text("{'execute': 'transaction', 'arguments': {'actions': ["
                + "{'type': 'blockdev-snapshot-sync', 'data': {'device': 'drive0', 'snapshot-file': '@/" + to
                + "', 'snapshot-node-name': '" + to + "'}},"
                + "{'type': 'block-dirty-bitmap-add', 'data': {'node': '" + to
                + "', 'name': 'b', 'granularity': 512}},"
                + "{'type': 'block-dirty-bitmap-merge', 'data': {'node': '" + to + "', 'target': 'b', 'bitmaps': "
                + "[{'node': '" + from + "', 'name': 'b'}]}}]}}"));
    }

    /** Between two of them something is written at least. */
    private void snapshotFourTimes(AtomicInteger written, CompletableFuture<Void> writes) {
        String from = "base";
        for (int number = 1; number <= 4; number++) {
            int before = written.get();
            while (written.get() == before && !writes.isDone()) {
                Thread.onSpinWait();
            }
            String to = "top" + number;
            snapshot(from, to);
            from = to;
        }
    }

    @Test
    void shouldLoseNoMarkAndNoWriteOfAGuestWhenBitmapsMoveToAnOverlay() throws Exception {
        monitor.run("{'execute': 'block-dirty-bitmap-add', 'arguments': {'node': 'drive0', 'name': 'b',"
                + " 'granularity': 512}}");
        AtomicInteger written = new AtomicInteger();
        AtomicBoolean isEnough = new AtomicBoolean();
        try (NbdClient guest = guest()) {
            CompletableFuture<Void> writes = CompletableFuture.runAsync(() -> writeUntil(isEnough, guest, written));
            snapshotFourTimes(written, writes);
            isEnough.set(true);
            writes.get();
        }

        JsonNode drive = drive();
        assertEquals("top4", drive.path("node-name").asText());
        assertEquals(4, drive.path("backing_file_depth").asInt());
        assertEquals(
                (long) written.get() * PIECE_BYTES,
                drive.at("/dirty-bitmaps/0/count").asLong());
        role.close();
        for (String image : List.of("base", "top1", "top2", "top3", "top4")) {
            Tool.run("qemu-img", "check", file(image)).success();
        }
        assertEquals(List.of(), unwritten(written.get()));
    }

    @Test
    void shouldLoseNoMarkOfWhatQemuIoWritesMeanwhile() throws Exception {
        monitor.run("{'execute': 'block-dirty-bitmap-add', 'arguments': {'node': 'drive0', 'name': 'b',"
                + " 'granularity': 512}}");
        AtomicInteger written = new AtomicInteger();
        AtomicBoolean isEnough = new AtomicBoolean();
        try (QmpClient other = QmpClient.negotiated(new NbdAddress.Unix(file("qmp")))) {
            CompletableFuture<Void> writes = CompletableFuture.runAsync(() -> {
                while (!isEnough.get() && written.get() < PIECES) {
                    other.run("{\"execute\": \"human-monitor-command\", \"arguments\": {\"command-line\":"
                            + " \"qemu-io drive0 \\\"write -P 1 " + (long) written.get() * PIECE_BYTES
                            + " 512\\\"\"}}");
                    int _ = written.incrementAndGet();
                }
            });
            snapshotFourTimes(written, writes);
            isEnough.set(true);
            writes.get();
        }

        assertEquals(
                (long) written.get() * PIECE_BYTES,
                drive().at("/dirty-bitmaps/0/count").asLong());
        role.close();
        assertEquals(List.of(), unwritten(written.get()));
    }

    private static void writeUntil(AtomicBoolean isEnough, NbdClient guest, AtomicInteger written) {
        try {
            while (!isEnough.get() && written.get() < PIECES) {
                write(guest, written.get());
                written.incrementAndGet();
            }
        } catch (Exception e) {
            throw new IllegalStateException(e);
        }
    }

    /** As QEMU sees the chain. */
    private List<Integer> unwritten(int pieces) throws Exception {
        Tool.run("qemu-img", "convert", "-O", "raw", file("top4"), file("all.raw"))
                .success();
        byte[] all = Files.readAllBytes(folder.resolve("all.raw"));
        return IntStream.range(0, pieces)
                .filter(piece -> all[piece * PIECE_BYTES] != 1)
                .boxed()
                .toList();
    }

    @Test
    void shouldLeaveAllAsItWasWhenALaterActionIsRefused() throws Exception {
        String actions = "'actions': [{'type': 'blockdev-snapshot-sync', 'data': {'device': 'drive0',"
                + " 'snapshot-file': '@/top', 'snapshot-node-name': 'top'}}, {'type': 'abort', 'data': {}}]";

        assertEquals("Transaction aborted using Abort action", refused("transaction", actions));

        assertEquals("base", drive().path("node-name").asText());
        try (NbdClient guest = guest()) {
            write(guest, 0);
        }
        monitor.run(text("{'execute': 'blockdev-snapshot-sync', 'arguments': {'device': 'drive0',"
                + " 'snapshot-file': '@/top', 'snapshot-node-name': 'top'}}"));
        assertEquals("top", drive().path("node-name").asText());
    }

    @Test
    void shouldPutANodeOverTheDriveAndTakeItOffAgain() throws Exception {
        Tool.run("qemu-img", "create", "-f", "qcow2", file("over"), "16M").success();
        monitor.run(text("{'execute': 'blockdev-add', 'arguments': {'driver': 'qcow2', 'node-name': 'over',"
                + " 'file': {'driver': 'file', 'filename': '@/over'}}}"));
        String put = "{'type': 'blockdev-snapshot', 'data': {'node': 'drive0', 'overlay': 'over'}}";
        try (NbdClient guest = guest()) {
            write(guest, 1);
            assertEquals(
                    "Cannot find device='' nor node-name='zz'",
                    refused("blockdev-snapshot", "'node': 'drive0', 'overlay': 'zz'"));
            assertEquals(
                    "The overlay is already in use",
                    refused("blockdev-snapshot", "'node': 'drive0', 'overlay': 'base'"));
            assertEquals(
                    "Transaction aborted using Abort action",
                    refused("transaction", "'actions': [" + put + ", {'type': 'abort', 'data': {}}]"));
            assertEquals("base", drive().path("node-name").asText());
            write(guest, 2);

            monitor.run(text("{'execute': 'transaction', 'arguments': {'actions': [" + put + "]}}"));

            write(guest, 3);
            ByteBuffer seen = ByteBuffer.allocate(4 * PIECE_BYTES);
            guest.read(0, seen);
            assertEquals(
                    List.of(0, 1, 1, 1),
                    IntStream.range(0, 4)
                            .mapToObj(piece -> (int) seen.get(piece * PIECE_BYTES))
                            .toList());
        }
        assertEquals("over", drive().path("node-name").asText());
        assertEquals(1, drive().path("backing_file_depth").asInt());
    }

    private NbdClient puller(String export) throws IOException {
        return NbdClient.connect(
                new NbdUri(new NbdAddress.Unix(file("pull")), export), List.of(), NbdClientOptions.DEFAULT);
    }

    @Test
    void shouldHaveExportsFollowToTheOverlayWhileTheirClientsWrite() throws Exception {
        monitor.run(text("{'execute': 'nbd-server-start', 'arguments': {'addr': {'type': 'unix', 'data': {'path':"
                + " '@/pull'}}}}"));
        monitor.run("{'execute': 'nbd-server-add', 'arguments': {'device': 'base', 'writable': true}}");
        monitor.run("{'execute': 'block-dirty-bitmap-add', 'arguments': {'node': 'drive0', 'name': 'b',"
                + " 'granularity': 512}}");
        AtomicInteger written = new AtomicInteger();
        AtomicBoolean isEnough = new AtomicBoolean();
        try (NbdClient puller = puller("base")) {
            CompletableFuture<Void> writes = CompletableFuture.runAsync(() -> writeUntil(isEnough, puller, written));
            snapshotFourTimes(written, writes);
            isEnough.set(true);
            writes.get();
            write(puller, written.getAndIncrement());
        }

        assertEquals(
                "top4",
                monitor.run("{'execute': 'query-block-exports'}")
                        .get(0)
                        .path("node-name")
                        .asText());
        assertEquals(
                (long) written.get() * PIECE_BYTES,
                drive().at("/dirty-bitmaps/0/count").asLong());
        monitor.run("{'execute': 'nbd-server-stop'}");
        role.close();
        assertEquals(List.of(), unwritten(written.get()));
    }

    @Test
    void shouldRefuseAnOverlayOfWhatOffersItsBitmap() throws Exception {
        monitor.run(text("{'execute': 'nbd-server-start', 'arguments': {'addr': {'type': 'unix', 'data': {'path':"
                + " '@/pull'}}}}"));
        monitor.run("{'execute': 'block-dirty-bitmap-add', 'arguments': {'node': 'drive0', 'name': 'b'}}");
        monitor.run("{'execute': 'block-export-add', 'arguments': {'type': 'nbd', 'id': 'e', 'node-name': 'base',"
                + " 'writable': true, 'bitmaps': ['b']}}");

        assertEquals(
                "Node 'drive0' can't get an overlay: block export 'e' offers a bitmap of it; delete the export, and"
                        + " make it anew afterwards",
                refused("blockdev-snapshot-sync", "'device': 'drive0', 'snapshot-file': '@/top'"));

        try (NbdClient puller = puller("base")) {
            write(puller, 0);
        }
        assertEquals("base", drive().path("node-name").asText());
    }

    @Test
    void shouldRefuseTwoOverlaysOfADriveInOneTransaction() throws Exception {
        String one = "{'type': 'blockdev-snapshot-sync', 'data': {'device': 'drive0', 'snapshot-file': '@/top";

        assertEquals(
                "Node 'drive0' can't get two overlays in one transaction: take them one after the other",
                refused("transaction", "'actions': [" + one + "1'}}, " + one + "2'}}]"));

        assertEquals("base", drive().path("node-name").asText());
        try (NbdClient guest = guest()) {
            write(guest, 0);
        }
    }

    @Test
    void shouldRefuseInQemusWordsAndTouchNoImage() {
        String to = "'snapshot-file': '@/top'";
        assertEquals(
                "Cannot find device='zz' nor node-name=''", refused("blockdev-snapshot-sync", "'device': 'zz', " + to));
        assertEquals("New overlay node-name missing", refused("blockdev-snapshot-sync", "'node-name': 'base', " + to));
        assertEquals(
                "New overlay node-name already in use",
                refused("blockdev-snapshot-sync", "'device': 'drive0', 'snapshot-node-name': 'base', " + to));
        assertEquals(
                "Unknown file format 'zz'",
                refused("blockdev-snapshot-sync", "'device': 'drive0', 'format': 'zz', " + to));
        assertEquals(
                "Error: Trying to create an image with the same filename as the backing file",
                refused("blockdev-snapshot-sync", "'device': 'drive0', 'snapshot-file': '@/base'"));
        assertEquals(
                "Action 'blockdev-snapshot-sync' does not support Transaction property completion-mode = grouped",
                refused(
                        "transaction",
                        "'actions': [{'type': 'blockdev-snapshot-sync', 'data': {'device': 'drive0', " + to
                                + "}}], 'properties': {'completion-mode': 'grouped'}"));
        assertTrue(Files.notExists(folder.resolve("top")));
        assertEquals("base", drive().path("node-name").asText());
    }
}
