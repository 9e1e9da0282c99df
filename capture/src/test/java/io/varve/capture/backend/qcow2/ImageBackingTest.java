package io.varve.capture.backend.qcow2;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.varve.core.Tool;
import io.varve.formats.qcow2.Backing;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What QEMU makes of an image whose backing file Varve has changed. */
class ImageBackingTest {
    @TempDir
    private Path folder;

    private String file(String name) {
        return folder.resolve(name).toString();
    }

    private void make(String options) throws Exception {
        Tool.run("qemu-img", "create", "-f", "qcow2", "-o", options, "-b", "old", "-F", "raw", "-u", file("i"), "4M")
                .success();
    }

    private JsonNode info() throws Exception {
        return new ObjectMapper()
                .readTree(
                        Tool.run("qemu-img", "info", "--output=json", file("i")).success());
    }

    @Test
    void shouldNameAnotherFileAndKeepAllElse() throws Exception {
        Files.write(folder.resolve("old"), new byte[4 << 20]);
        for (String options : List.of("compat=0.10", "compat=1.1", "compat=1.1,cluster_size=4k")) {
            for (String name : List.of("n", "a/longer/name/than/the/one/before.qcow2", "x".repeat(900))) {
                make(options);
                boolean keepsBitmaps = !options.equals("compat=0.10");
                if (keepsBitmaps) {
                    Tool.run("qemu-img", "bitmap", "--add", file("i"), "kept").success();
                }

                ImageBacking.change(folder.resolve("i"), new Backing(name, "qcow2"));

                String what = options + " " + name;
                assertEquals(name, info().path("backing-filename").asText(), what);
                assertEquals("qcow2", info().path("backing-filename-format").asText(), what);
                JsonNode bitmaps = info().at("/format-specific/data/bitmaps");
                assertEquals(
                        keepsBitmaps ? "kept" : "", bitmaps.path(0).path("name").asText(), what);
                Tool.run("qemu-img", "rebase", "-u", "-b", "", file("i")).success();
                Tool.run("qemu-img", "check", file("i")).success();
            }
        }
    }

    @Test
    void shouldLeaveAnImageAsItIsWhoseHeaderHasNoRoom() throws Exception {
        Files.write(folder.resolve("old"), new byte[4 << 20]);
        make("compat=1.1,cluster_size=512");
        byte[] before = Files.readAllBytes(folder.resolve("i"));

        IOException refused = assertThrows(
                IOException.class,
                () -> ImageBacking.change(folder.resolve("i"), new Backing("x".repeat(500), "qcow2")));

        assertTrue(String.valueOf(refused.getMessage()).contains("no room in its header"), refused::toString);
        assertArrayEquals(before, Files.readAllBytes(folder.resolve("i")));
    }
}
