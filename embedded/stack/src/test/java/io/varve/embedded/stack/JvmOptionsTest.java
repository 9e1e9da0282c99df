package io.varve.embedded.stack;

import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.file.Files;
import org.junit.jupiter.api.Test;

class JvmOptionsTest {

    @Test
    void shouldRepeatTheOptionsOfThePom() throws Exception {
        var pom = Files.readString(Installation.find().home().resolve("pom.xml"));

        var said = "<varve.jvm.options>" + String.join(" ", JvmOptions.COMMON) + "</varve.jvm.options>";

        assertTrue(pom.contains(said), said);
    }

    @Test
    void shouldRepeatTheAgentsOptionsOfThePom() throws Exception {
        var pom = Files.readString(Installation.find().home().resolve("pom.xml"));

        var said = "<varve.capture.options>" + String.join(" ", JvmOptions.SERVES_SOON) + "</varve.capture.options>";

        assertTrue(pom.contains(said), said);
    }
}
