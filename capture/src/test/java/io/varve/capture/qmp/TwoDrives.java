package io.varve.capture.qmp;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;

import com.fasterxml.jackson.databind.JsonNode;
import io.varve.capture.backend.Backend;
import io.varve.core.Tool;
import io.varve.transfer.nbd.Durability;
import io.varve.transfer.nbd.NbdClient;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;

/** An agent with two drives and a monitor, and what tests of jobs to files do with them; {@code @} is the folder. */
final class TwoDrives implements AutoCloseable {
    static final int SIZE_BYTES = 4 << 20;

    final List<HeldReads> images = new ArrayList<>();
    final LiveAgent live;
    final QmpClient monitor;

    private final Path folder;
    private final SplittableRandom random = new SplittableRandom(11);

    TwoDrives(Path folder) throws IOException {
        this.folder = folder;
        live = LiveAgent.start(folder, SIZE_BYTES, this::held, "drive0", "drive1");
        monitor = live.monitor();
    }

    private Backend held(Backend backend) {
        HeldReads image = new HeldReads(backend);
        images.add(image);
        return image;
    }

    void beginChains() throws Exception {
        for (int drive = 0; drive < 2; drive++) {
            add("drive" + drive);
            monitor.run(text(full("drive" + drive, "full" + drive)));
            assertSucceeds("drive" + drive);
            prepare("inc" + drive, "full" + drive);
        }
        monitor.forgetEvents();
    }

    void add(String drive) {
        monitor.run("{'execute': 'block-dirty-bitmap-add', 'arguments': {'node': '" + drive + "', 'name': 'b'}}");
    }

    static String full(String drive, String target) {
        return "{'execute': 'drive-backup', 'arguments': {'device': '" + drive
                + "', 'sync': 'full', 'format': 'qcow2', 'target': '@/" + target + "'}}";
    }

    void writeSomewhere(String drive) throws IOException {
        byte[] data = new byte[1 + random.nextInt(300_000)];
        random.nextBytes(data);
        try (NbdClient guest = live.guest(drive)) {
            guest.write(random.nextLong(SIZE_BYTES - data.length), ByteBuffer.wrap(data), Durability.CACHED);
        }
    }

    long count(int drive) {
        return monitor.run("{'execute': 'query-block'}")
                .get(drive)
                .get("inserted")
                .get("dirty-bitmaps")
                .get(0)
                .get("count")
                .longValue();
    }

    void awaitStatus(String job, String status) {
        monitor.event(event -> event.path("data").path("id").asText().equals(job)
                && event.path("data").path("status").asText().equals(status));
    }

    void gone(String job) {
        awaitStatus(job, "null");
    }

    void assertSucceeds(String job) {
        JsonNode end = monitor.jobEnd(job);
        assertEquals("BLOCK_JOB_COMPLETED", end.get("event").textValue(), end::toString);
        assertFalse(end.get("data").has("error"), end::toString);
        gone(job);
    }

    void prepare(String image, String backing) throws Exception {
        Tool.run("qemu-img", "create", "-f", "qcow2", path(image), "-b", backing, "-F", "qcow2")
                .success();
    }

    void assertIsDrive(String drive, String image) throws Exception {
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

    String text(String template) {
        return template.replace("@", folder.toString());
    }

    String path(String name) {
        return folder.resolve(name).toString();
    }

    @Override
    public void close() throws IOException {
        images.forEach(image -> {
            image.letGo();
            image.fail(false);
        });
        monitor.close();
        live.close();
    }
}
