package io.varve.capture.qmp;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import io.varve.core.Tool;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Objects;
import java.util.SplittableRandom;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The life cycle of incremental backups as the talk of 2016 gives it, with its own JSON, while guests write. */
class LifeCycleTest {
    private static final long SIZE_BYTES = 8 << 20;
    private static final int WRITES = 12;

    @TempDir
    private Path folder;

    private LiveAgent live;
    private QmpClient monitor;
    private Guests guests;

    @BeforeEach
    void start() throws IOException {
        live = LiveAgent.start(folder, SIZE_BYTES, "drive0", "drive1");
        monitor = live.monitor();
        guests = Guests.start(live, new SplittableRandom(7), "drive0", "drive1");
    }

    @AfterEach
    void stop() throws IOException {
        guests.close();
        monitor.close();
        live.close();
    }

    @Test
    void shouldTakeTheLifeCycleOfTheTalk() throws Exception {
        back("new-chain.json", 0, "full.qcow2");

        prepare("inc.0.qcow2", "full.qcow2");
        back("first-incremental.json", 0, "inc.0.qcow2");
        for (int n = 1; n <= 3; n++) {
            prepare("inc." + n + ".qcow2", "inc." + (n - 1) + ".qcow2");
            back("subsequent-incremental.json", n, "inc." + n + ".qcow2");
        }

        back("new-sync-point.json", 0, "new_full_backup.qcow2");
        prepare("inc.4.qcow2", "new_full_backup.qcow2");
        back("subsequent-incremental.json", 4, "inc.4.qcow2");
    }

    @Test
    void shouldBackUpSeveralDrivesAtOneInstant() throws Exception {
        for (String number : new String[] {"0", "1"}) {
            String chain = example("new-chain.json", 0)
                    .replace("drive0", "drive" + number)
                    .replace("bitmap0", "bitmap" + number)
                    .replace("full.qcow2", "full" + number + ".qcow2");
            monitor.run(chain);
            assertSucceeds("drive" + number);
        }
        prepare("inc0.a.qcow2", "full0.qcow2");
        prepare("incl.a.qcow2", "full1.qcow2");
        guests.awaitWrites(WRITES);
        guests.hold();
        copy("drive0");
        copy("drive1");
        monitor.run(example("multi-drive.json", 0));
        guests.goOn();
        assertSucceeds("drive0");
        assertSucceeds("drive1");

        assertIsDrive("drive0", "inc0.a.qcow2");
        assertIsDrive("drive1", "incl.a.qcow2");
    }

    @Test
    void shouldManageBitmapsAsTheTalkDoes() throws Exception {
        monitor.run(example("add.json", 0));
        guests.awaitWrites(WRITES);
        JsonNode bitmap = bitmap();
        assertEquals("bitmap0", bitmap.get("name").textValue());
        assertEquals(131072, bitmap.get("granularity").intValue());
        assertTrue(bitmap.get("recording").booleanValue());
        assertFalse(bitmap.get("busy").booleanValue());

        guests.hold();
        monitor.run(example("clear.json", 0));
        assertEquals(0, bitmap().get("count").longValue());
        // A real client of others', once.
        Tool.run("qemu-io", "-f", "raw", live.export("drive0").toString(), "-c", "write -P 5 1M 4k", "-c", "flush")
                .success();
        assertEquals(131072, bitmap().get("count").longValue());

        monitor.run(example("remove.json", 0));
        assertTrue(monitor.run("{'execute': 'query-block'}")
                .get(0)
                .get("inserted")
                .path("dirty-bitmaps")
                .isMissingNode());
        guests.goOn();
    }

    private JsonNode bitmap() {
        return monitor.run("{'execute': 'query-block'}")
                .get(0)
                .get("inserted")
                .get("dirty-bitmaps")
                .get(0);
    }

    /** Backs drive0 up as the example says, and compares the image with the drive at that instant. */
    private void back(String example, int n, String image) throws Exception {
        guests.awaitWrites(WRITES);
        guests.hold();
        copy("drive0");
        monitor.run(example(example, n));
        guests.goOn();
        assertSucceeds("drive0");
        assertIsDrive("drive0", image);
    }

    private void assertSucceeds(String job) {
        JsonNode end = monitor.jobEnd(job);
        JsonNode data = end.get("data");
        assertEquals("BLOCK_JOB_COMPLETED", end.get("event").textValue(), end::toString);
        assertFalse(data.has("error"), end::toString);
        assertEquals(data.get("len").longValue(), data.get("offset").longValue(), end::toString);
        monitor.gone(job);
    }

    private void prepare(String image, String backing) throws Exception {
        Tool.run("qemu-img", "create", "-f", "qcow2", path(image), "-b", backing, "-F", "qcow2")
                .success();
    }

    private void copy(String drive) throws IOException {
        Path copy = folder.resolve(drive + ".copy");
        Files.deleteIfExists(copy);
        Files.copy(live.image(drive), copy);
    }

    private void assertIsDrive(String drive, String image) throws Exception {
        String checked =
                Tool.run("qemu-img", "check", "-f", "qcow2", path(image)).success();
        assertTrue(checked.contains("No errors"), checked);
        String compared = Tool.run(
                        "qemu-img", "compare", "-f", "raw", "-F", "qcow2", path(drive + ".copy"), path(image))
                .success();
        assertTrue(compared.contains("identical"), compared);
    }

    private String path(String name) {
        return folder.resolve(name).toString();
    }

    private String example(String name, int n) throws IOException {
        try (InputStream resource = Objects.requireNonNull(LifeCycleTest.class.getResourceAsStream(name))) {
            return new String(resource.readAllBytes(), StandardCharsets.UTF_8)
                    .replace("<n>", String.valueOf(n))
                    .replace("/path/to/", "")
                    .replace("\"target\": \"", "\"target\": \"" + folder + "/");
        }
    }
}
