package io.varve.cli.quickstart;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.ByteArrayOutputStream;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class QuickstartTest {
    private static final int SYNC_POINTS = 5;
    private static final int DRIVES = 2;

    @TempDir
    Path folder;

    // I6
    @Test
    void shouldProveThePipeline() throws Exception {
        ByteArrayOutputStream said = new ByteArrayOutputStream();

        boolean holds = new Quickstart(folder, new PrintStream(said, true, StandardCharsets.UTF_8), 42).run();

        String text = said.toString(StandardCharsets.UTF_8);
        assertTrue(holds, text);
        assertEquals(
                SYNC_POINTS * DRIVES,
                text.lines()
                        .filter(line -> line.endsWith("identical") || line.endsWith("legal"))
                        .count(),
                text);
        assertTrue(text.contains("and with qemu-img check and compare"), text);
    }
}
