package io.varve.restore;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.ByteArrayOutputStream;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.util.Map;
import org.junit.jupiter.api.Test;

class RestoreMainTest {
    private final ByteArrayOutputStream said = new ByteArrayOutputStream();

    @Test
    void shouldExplainMisuseInOneSentence() {
        assertEquals(2, run("--to", "x", "--at", "2026-11-24T10:15", "--sync-point", "s"));

        assertTrue(err().startsWith("varve restore: --"), err());
        assertTrue(err().endsWith(". Try 'varve help restore'.\n"), err());
    }

    @Test
    void shouldShowTheStackTraceOfAFailureOnlyWhenAsked() {
        assertEquals(1, run("--archive", "file:/no/such/folder", "--sync-point", "s", "--to", "x"));
        assertFalse(err().contains("\tat "), err());

        assertEquals(1, run("--debug", "--archive", "file:/no/such/folder", "--sync-point", "s", "--to", "x"));
        assertTrue(err().contains("\tat "), err());
    }

    private int run(String... arguments) {
        said.reset();
        var out = new PrintStream(said, true, StandardCharsets.UTF_8);
        return RestoreMain.run(arguments, Map.of(), out, out);
    }

    private String err() {
        return said.toString(StandardCharsets.UTF_8);
    }
}
