package io.varve.capture.qmp;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ArrayNode;
import io.varve.core.Tool;
import io.varve.transfer.nbd.Durability;
import io.varve.transfer.nbd.NbdClient;
import java.io.IOException;
import java.io.InputStream;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.SplittableRandom;
import java.util.regex.Pattern;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What the talk that began all this shows, example by example; every image is held against the drive of its time. */
class TalkTest {
    private static final int SIZE_BYTES = 4 << 20;
    private static final int GRANULARITY_BYTES = 131_072;

    private static final Pattern SLIDE = Pattern.compile("^# ", Pattern.MULTILINE);

    private final SplittableRandom random = new SplittableRandom(5);
    private final Map<String, String> examples = new HashMap<>();

    @TempDir
    private Path folder;

    private LiveAgent live;
    private QmpClient monitor;

    @BeforeEach
    void start() throws IOException {
        try (InputStream talk = Objects.requireNonNull(TalkTest.class.getResourceAsStream("talk.md"))) {
            String text = new String(talk.readAllBytes(), StandardCharsets.UTF_8);
            SLIDE.splitAsStream(text).forEach(slide -> {
                int title = slide.indexOf('\n');
                examples.put(slide.substring(0, title), slide.substring(title));
            });
        }
        live = LiveAgent.start(folder, SIZE_BYTES, "drive0", "drive1");
        monitor = live.monitor();
    }

    @AfterEach
    void stop() throws IOException {
        monitor.close();
        live.close();
    }

    @Test
    void shouldHoldNineExamples() {
        examples.values().removeIf(example -> !example.contains("execute"));
        assertEquals(9, examples.size());
    }

    /** Act I: building blocks. */
    @Test
    void shouldManageBitmaps() throws Exception {
        monitor.run(example("Creation"));
        assertEquals(bitmap(0, GRANULARITY_BYTES), bitmaps("drive0"));

        try (NbdClient guest = live.guest("drive0")) {
            // Two granules, for one byte in each.
            guest.write(3 * GRANULARITY_BYTES - 1, ByteBuffer.wrap(new byte[2]), Durability.CACHED);
        }
        assertEquals(bitmap(2 * GRANULARITY_BYTES, GRANULARITY_BYTES), bitmaps("drive0"));
        assertTrue(bitmaps("drive1").isMissingNode());

        monitor.run(example("Resetting"));
        assertEquals(bitmap(0, GRANULARITY_BYTES), bitmaps("drive0"));

        monitor.run(example("Deletion"));
        assertTrue(bitmaps("drive0").isMissingNode());
    }

    /** Act II: life cycle. */
    @Test
    void shouldLiveThroughALifeCycle() throws Exception {
        writeSomewhere("drive0");
        monitor.run(example("New Chain"));
        Path full = assertSucceeds("drive0", "full.qcow2");

        writeSomewhere("drive0");
        assertFalse(bitmaps("drive0").isEmpty());
        prepare("inc.0.qcow2", "full.qcow2");
        monitor.run(example("First Incremental"));
        Path first = assertSucceeds("drive0", "inc.0.qcow2");
        assertEquals(bitmap(0, 65_536), bitmaps("drive0"));

        writeSomewhere("drive0");
        prepare("inc.1.qcow2", "inc.0.qcow2");
        monitor.run(example("Subsequent Backups").replace("<n>", "1"));
        Path second = assertSucceeds("drive0", "inc.1.qcow2");

        writeSomewhere("drive0");
        monitor.run(example("New Sync Point"));
        Path fresh = assertSucceeds("drive0", "new_full_backup.qcow2");
        assertEquals(bitmap(0, 65_536), bitmaps("drive0"));

        assertIsSame(full, "full.qcow2");
        assertIsSame(first, "inc.0.qcow2");
        assertIsSame(second, "inc.1.qcow2");
        assertIsSame(fresh, "new_full_backup.qcow2");
        assertEquals(List.of("inc.1.qcow2", "inc.0.qcow2", "full.qcow2"), chain("inc.1.qcow2"));
        assertEquals(List.of("new_full_backup.qcow2"), chain("new_full_backup.qcow2"));
    }

    /** Interlude: transactions. */
    @Test
    void shouldBackUpDrivesCoherently() throws Exception {
        for (String number : List.of("0", "1")) {
            writeSomewhere("drive" + number);
            monitor.run(example("New Chain")
                    .replace("drive0", "drive" + number)
                    .replace("bitmap0", "bitmap" + number)
                    .replace("full.qcow2", "full" + number + ".qcow2"));
            assertSucceeds("drive" + number, "full" + number + ".qcow2");
            writeSomewhere("drive" + number);
            prepare("inc" + number + ".a.qcow2", "full" + number + ".qcow2");
        }
        String asShown = example("Multidrive Coherency");
        // The slide has one comma too many, which QEMU doesn't take either.
        assertEquals("JSON parse error, expecting value", monitor.refused(asShown));

        monitor.run(asShown.replaceFirst(",(\\s*])", "$1"));

        Path first = assertSucceeds("drive0", "inc0.a.qcow2");
        Path second = assertSucceeds("drive1", "inc1.a.qcow2");
        assertIsSame(first, "inc0.a.qcow2");
        assertIsSame(second, "inc1.a.qcow2");
        assertEquals(List.of("inc1.a.qcow2", "full1.qcow2"), chain("inc1.a.qcow2"));
    }

    private String example(String slide) {
        return Objects.requireNonNull(examples.get(slide), slide)
                .replace("/path/to/", "")
                .replace("\"target\": \"", "\"target\": \"" + folder + "/");
    }

    /** As 7.2 prints them: in bytes, and under {@code inserted}. */
    private JsonNode bitmaps(String device) {
        for (JsonNode block : monitor.run(example("Querying"))) {
            if (block.get("device").textValue().equals(device)) {
                return block.path("inserted").path("dirty-bitmaps");
            }
        }
        throw new AssertionError(device);
    }

    private static JsonNode bitmap(int countBytes, int granularityBytes) {
        ArrayNode bitmaps = JsonText.object().arrayNode();
        bitmaps.addObject()
                .put("name", "bitmap0")
                .put("recording", true)
                .put("persistent", false)
                .put("busy", false)
                .put("granularity", granularityBytes)
                .put("count", countBytes);
        return bitmaps;
    }

    private void writeSomewhere(String drive) throws IOException {
        try (NbdClient guest = live.guest(drive)) {
            for (int write = 0; write < 5; write++) {
                byte[] data = new byte[1 + random.nextInt(100_000)];
                random.nextBytes(data);
                guest.write(random.nextLong(SIZE_BYTES - data.length), ByteBuffer.wrap(data), Durability.CACHED);
            }
        }
    }

    private void prepare(String image, String backing) throws Exception {
        Tool.run("qemu-img", "create", "-f", "qcow2", path(image), "-b", backing, "-F", "qcow2")
                .success();
    }

    /** The drive as it is now, which nobody has written to since the backup began. */
    private Path assertSucceeds(String job, String image) throws Exception {
        JsonNode end = monitor.jobEnd(job);
        assertEquals("BLOCK_JOB_COMPLETED", end.get("event").textValue(), end::toString);
        assertFalse(end.get("data").has("error"), end::toString);
        monitor.gone(job);
        Path copy = folder.resolve(image + ".expected");
        Files.copy(live.image(job), copy);
        return copy;
    }

    private void assertIsSame(Path expected, String image) throws Exception {
        Tool.run("qemu-img", "check", "-f", "qcow2", path(image)).success();
        Tool.run("qemu-img", "compare", "-f", "raw", "-F", "qcow2", expected.toString(), path(image))
                .success();
    }

    /** The images that {@code image} needs, itself first. */
    private List<String> chain(String image) throws Exception {
        String told = Tool.run("qemu-img", "info", "--backing-chain", "--output=json", path(image))
                .success();
        return new ObjectMapper()
                .readTree(told).findValuesAsText("filename").stream()
                        .map(file -> Path.of(file).getFileName().toString())
                        .distinct()
                        .toList();
    }

    private String path(String name) {
        return folder.resolve(name).toString();
    }
}
