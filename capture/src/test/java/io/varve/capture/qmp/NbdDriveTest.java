package io.varve.capture.qmp;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import io.varve.capture.CaptureConfig;
import io.varve.capture.CaptureRole;
import io.varve.capture.DriveArgument;
import io.varve.capture.backend.UpstreamServer;
import io.varve.capture.nbd.ExportRegistry;
import io.varve.capture.tracking.AgentOptions;
import io.varve.capture.tracking.AgentSurroundings;
import io.varve.core.Tool;
import io.varve.formats.nbd.NbdAddress;
import io.varve.formats.nbd.NbdUri;
import io.varve.transfer.nbd.Durability;
import io.varve.transfer.nbd.NbdClient;
import io.varve.transfer.nbd.NbdClientOptions;
import io.varve.transfer.nbd.NbdException;
import java.io.IOException;
import java.io.RandomAccessFile;
import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.security.SecureRandom;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.UUID;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** An agent whose drive is another server's export. */
@Timeout(120)
class NbdDriveTest {
    private static final int SIZE_BYTES = 16 << 20;
    private static final int GRANULE_BYTES = 65_536;
    private static final int ROUNDS = 3;
    private static final int WRITES = 8;

    @TempDir
    private Path folder;

    private CaptureRole start(String name, String drive) throws IOException {
        NbdAddress nbd = nbd(name);
        CaptureConfig config = new CaptureConfig(
                AgentOptions.in(folder.resolve(name + ".state"), folder.resolve(name + ".live"), nbd.toString()),
                List.of(nbd),
                Optional.empty(),
                List.of(qmp(name)),
                CaptureConfig.planOf(List.of(DriveArgument.parse(drive))),
                Optional.empty(),
                "varve test");
        return CaptureRole.start(
                config,
                new AgentSurroundings(
                        new ExportRegistry(),
                        InstantSource.system(),
                        System::nanoTime,
                        new SecureRandom(),
                        new UUID(3, 4)));
    }

    private NbdAddress nbd(String name) {
        return new NbdAddress.Unix(path(name + ".nbd"));
    }

    private NbdAddress qmp(String name) {
        return new NbdAddress.Unix(path(name + ".qmp"));
    }

    private String path(String name) {
        return folder.resolve(name).toString();
    }

    private Path image() throws IOException {
        Path image = folder.resolve("upstream.raw");
        try (RandomAccessFile file = new RandomAccessFile(image.toFile(), "rw")) {
            file.setLength(SIZE_BYTES);
        }
        return image;
    }

    private UpstreamServer upstream() throws IOException {
        return UpstreamServer.qemu(folder.resolve("upstream.sock"), image());
    }

    private void qemuIo(String... commands) throws Exception {
        List<String> all = new ArrayList<>(List.of("qemu-io", "-f", "raw", new NbdUri(nbd("front"), "drive0") + ""));
        Arrays.stream(commands).forEach(command -> all.addAll(List.of("-c", command)));
        String said = Tool.run(all.toArray(String[]::new)).success();
        assertFalse(said.contains("failed"), said);
    }

    private static void addBitmap(QmpClient monitor) {
        monitor.run("{'execute': 'block-dirty-bitmap-add', 'arguments': {'node': 'drive0', 'name': 'b',"
                + " 'persistent': true}}");
    }

    private void full(QmpClient monitor) {
        backup(monitor, "'sync': 'full', 'format': 'qcow2', 'target': '" + path("full") + "'");
    }

    private void increment(QmpClient monitor) throws Exception {
        Tool.run("qemu-img", "create", "-q", "-f", "qcow2", "-b", "full", "-F", "qcow2", path("inc"))
                .success();
        backup(
                monitor,
                "'sync': 'incremental', 'bitmap': 'b', 'format': 'qcow2', 'mode': 'existing', 'target': '" + path("inc")
                        + "'");
    }

    private static void backup(QmpClient monitor, String arguments) {
        monitor.run("{'execute': 'drive-backup', 'arguments': {'device': 'drive0', " + arguments + "}}");
        JsonNode end = monitor.jobEnd("drive0");
        assertFalse(end.get("data").has("error"), end::toString);
        monitor.gone("drive0");
    }

    private static JsonNode inserted(QmpClient monitor) {
        return monitor.run("{'execute': 'query-block'}").get(0).get("inserted");
    }

    private static JsonNode bitmap(QmpClient monitor) {
        return inserted(monitor).get("dirty-bitmaps").get(0);
    }

    private void assertBackedUp() throws Exception {
        Tool.run("qemu-img", "compare", "-f", "raw", "-F", "qcow2", path("upstream.raw"), path("inc"))
                .success();
    }

    // I1, I2
    @Test
    void shouldGoOnAndLoseNothingWhenTheUpstreamIsKilledInTheMiddleOfWrites() throws Exception {
        try (UpstreamServer upstream = upstream();
                CaptureRole _ = start("front", "drive0=" + upstream.uri() + ",format=nbd");
                QmpClient monitor = QmpClient.negotiated(qmp("front"))) {
            qemuIo("write -P 7 1M 1M", "flush");
            addBitmap(monitor);
            full(monitor);
            List<NbdClient> guests = new ArrayList<>();
            for (int index = 0; index < WRITES; index++) {
                guests.add(guest());
            }
            List<Integer> unknown = new ArrayList<>();
            for (int round = 0; round < ROUNDS; round++) {
                killDuringWrites(upstream, guests, round, unknown);
            }
            for (int granule = 1; granule <= ROUNDS * 3 * WRITES; granule++) {
                ByteBuffer read = ByteBuffer.allocate(512);
                guests.getFirst().read((long) granule * GRANULE_BYTES, read);
                assertTrue(unknown.contains(granule) || read.get(0) == (byte) granule, "granule " + granule);
            }
            guests.forEach(NbdClient::close);
            assertEquals(ROUNDS * WRITES, unknown.size());

            increment(monitor);

            assertBackedUp();
            // Those of unknown outcome stay marked: the old server might have made them yet.
            assertEquals(
                    (long) unknown.size() * GRANULE_BYTES,
                    bitmap(monitor).get("count").longValue());
        }
    }

    /** Each guest writes before the kill, meanwhile, and after it; then a flush is told that writes may be lost. */
    private static void killDuringWrites(
            UpstreamServer upstream, List<NbdClient> guests, int round, List<Integer> unknown) throws Exception {
        int first = 1 + round * 3 * WRITES;
        for (CompletableFuture<Void> before : writes(guests, first)) {
            before.get(60, TimeUnit.SECONDS);
        }
        upstream.freeze();
        List<CompletableFuture<Void>> meanwhile = writes(guests, first + WRITES);
        awaitUnansweredWrites();
        upstream.kill();
        List<CompletableFuture<Void>> after = writes(guests, first + 2 * WRITES);

        upstream.restart();

        for (int index = 0; index < WRITES; index++) {
            CompletableFuture<Void> write = meanwhile.get(index);
            ExecutionException e = assertThrows(ExecutionException.class, () -> write.get(60, TimeUnit.SECONDS));
            assertTrue(e.toString().contains("may have been done or not"), e.toString());
            unknown.add(first + WRITES + index);
        }
        for (CompletableFuture<Void> write : after) {
            write.get(60, TimeUnit.SECONDS);
        }
        assertThrows(NbdException.class, guests.getFirst()::flush);
        guests.getFirst().flush();
    }

    private static List<CompletableFuture<Void>> writes(List<NbdClient> guests, int firstGranule) {
        List<CompletableFuture<Void>> writes = new ArrayList<>();
        for (int index = 0; index < guests.size(); index++) {
            byte[] data = new byte[4096];
            Arrays.fill(data, (byte) (firstGranule + index));
            writes.add(guests.get(index)
                    .writeAsync(
                            (long) (firstGranule + index) * GRANULE_BYTES, ByteBuffer.wrap(data), Durability.CACHED));
        }
        return writes;
    }

    private NbdClient guest() throws IOException {
        return NbdClient.connect(new NbdUri(nbd("front"), "drive0"), List.of(), NbdClientOptions.DEFAULT);
    }

    private static void awaitUnansweredWrites() {
        long endNanos = System.nanoTime() + TimeUnit.SECONDS.toNanos(30);
        while (Thread.getAllStackTraces().values().stream()
                        .filter(NbdDriveTest::waitsForTheUpstream)
                        .count()
                < WRITES) {
            assertTrue(System.nanoTime() < endNanos, "not all writes reached the upstream");
            LockSupport.parkNanos(TimeUnit.MILLISECONDS.toNanos(5));
        }
    }

    private static boolean waitsForTheUpstream(StackTraceElement[] stack) {
        return Arrays.stream(stack).anyMatch(frame -> frame.getClassName().endsWith(".NbdBackend"))
                && Arrays.stream(stack)
                        .anyMatch(frame -> frame.getClassName().endsWith(".ClientConnection")
                                && frame.getMethodName().equals("await"));
    }

    @Test
    void shouldBackUpADriveOverAnotherAgent() throws Exception {
        Path image = image();
        try (CaptureRole _ = start("back", "disk=" + image)) {
            String drive = "drive0=" + new NbdUri(nbd("back"), "disk") + ",format=nbd,exclusive=on";
            try (CaptureRole _ = start("front", drive);
                    QmpClient monitor = QmpClient.negotiated(qmp("front"))) {
                JsonNode node = inserted(monitor);
                assertEquals("raw", node.get("drv").textValue());
                assertEquals(
                        new NbdUri(nbd("back"), "disk").toString(),
                        node.get("file").textValue());
                qemuIo("write -P 7 1M 3M", "flush");
                addBitmap(monitor);
                full(monitor);
                qemuIo("write -P 3 2M 10k", "discard 5M 512k", "write -z 3M 128k", "read -P 7 1M 1M", "flush");
                increment(monitor);
                assertBackedUp();
                qemuIo("write -P 4 7M 64k");
            }
            // Declared to be this agent's alone, so it's known again.
            try (CaptureRole _ = start("front", drive);
                    QmpClient monitor = QmpClient.negotiated(qmp("front"))) {
                assertFalse(bitmap(monitor).has("inconsistent"), () -> bitmap(monitor) + "");
                assertEquals(GRANULE_BYTES, bitmap(monitor).get("count").longValue());
            }
        }
    }

    @Test
    void shouldTrustNoUpstreamThatOthersMayHaveWrittenTo() throws Exception {
        try (UpstreamServer upstream = upstream()) {
            try (CaptureRole _ = start("front", "drive0=" + upstream.uri() + ",format=nbd");
                    QmpClient monitor = QmpClient.negotiated(qmp("front"))) {
                addBitmap(monitor);
            }
            try (CaptureRole _ = start("front", "drive0=" + upstream.uri() + ",format=nbd");
                    QmpClient monitor = QmpClient.negotiated(qmp("front"))) {
                assertTrue(bitmap(monitor).get("inconsistent").booleanValue());
            }
        }
    }

    @Test
    void shouldNoticeThatAnExclusiveUpstreamIsAnotherOne() throws Exception {
        String drive;
        try (UpstreamServer upstream = upstream()) {
            drive = "drive0=" + upstream.uri() + ",format=nbd,exclusive=on";
            try (CaptureRole _ = start("front", drive);
                    QmpClient monitor = QmpClient.negotiated(qmp("front"))) {
                addBitmap(monitor);
            }
        }
        Tool.run("qemu-io", "-f", "raw", path("upstream.raw"), "-c", "write -P 9 0 16M")
                .success();
        try (UpstreamServer _ = UpstreamServer.qemu(folder.resolve("upstream.sock"), folder.resolve("upstream.raw"));
                CaptureRole _ = start("front", drive);
                QmpClient monitor = QmpClient.negotiated(qmp("front"))) {
            assertTrue(bitmap(monitor).get("inconsistent").booleanValue());
        }
    }

    @Test
    void shouldSayInOneSentenceWhyThereIsNoUpstream() {
        String missing = "nbd+unix:///?socket=" + path("missing.sock");

        IOException away = assertThrows(IOException.class, () -> start("front", "drive0=" + missing + ",format=nbd"));
        IllegalArgumentException noUri =
                assertThrows(IllegalArgumentException.class, () -> DriveArgument.parse("d=/a/file,format=nbd"));
        IllegalArgumentException noFormat =
                assertThrows(IllegalArgumentException.class, () -> DriveArgument.parse("d=nbd://host/export"));

        assertTrue(
                String.valueOf(away.getMessage()).startsWith("drive 'drive0': can't connect to unix:"),
                away.toString());
        assertTrue(
                String.valueOf(noUri.getMessage()).contains("drive 'd': '/a/file' isn't an NBD URI"), noUri.toString());
        assertTrue(String.valueOf(noFormat.getMessage()).contains("say format=nbd"), noFormat.toString());
    }
}
