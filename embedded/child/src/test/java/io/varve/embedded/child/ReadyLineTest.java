package io.varve.embedded.child;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.io.ByteArrayOutputStream;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.util.Optional;
import org.junit.jupiter.api.Test;

class ReadyLineTest {

    @Test
    void shouldReadWhatItPrints() {
        var line = new ReadyLine("127.0.0.1:9092");
        var out = new ByteArrayOutputStream();

        line.print(new PrintStream(out, true, StandardCharsets.UTF_8));

        assertEquals(Optional.of(line), ReadyLine.parse(out.toString(StandardCharsets.UTF_8)));
    }

    @Test
    void shouldIgnoreOtherLines() {
        assertEquals(Optional.empty(), ReadyLine.parse("127.0.0.1:9092 is ready"));
    }
}
