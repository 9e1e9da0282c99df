package io.varve.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Callable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

class VarveTest {

    private final ByteArrayOutputStream out = new ByteArrayOutputStream();
    private final ByteArrayOutputStream err = new ByteArrayOutputStream();

    @Test
    void shouldSayItsVersion() {
        int code = run("version");

        assertEquals(0, code);
        assertTrue(printed(out).matches("varve \\d+\\.\\d+\\.\\d+ on Java 25.*\\R"), printed(out));
        assertEquals("", printed(err));
    }

    @Test
    void shouldListTheVerbsInItsHelp() {
        int code = run("--help");

        assertEquals(0, code);
        assertTrue(printed(out).contains("  version  "), printed(out));
    }

    @Test
    void shouldAnswerMisuseWithOneSentence() {
        int code = run("bogus", "--thing");

        assertEquals(2, code);
        assertEquals("varve: There is no verb or option 'bogus --thing'. Try 'varve help'.\n", printed(err));
    }

    @Test
    void shouldAskForAVerb() {
        int code = run();

        assertEquals(2, code);
        assertEquals("varve: Which verb? Try 'varve help'.\n", printed(err));
    }

    @Test
    void shouldAnswerFailureWithOneSentence() {
        int code = run("fail");

        assertEquals(1, code);
        assertEquals("varve fail: There is no file disk.img.\n", printed(err));
    }

    @Test
    void shouldShowTheStackTraceWhenAsked() {
        int code = run("fail", "--debug");

        assertEquals(1, code);
        assertTrue(printed(err).startsWith("varve fail: There is no file disk.img.\n"), printed(err));
        assertTrue(printed(err).contains("\tat io.varve.cli.VarveTest"), printed(err));
    }

    @Test
    void shouldNameAMissingConfigurationFile() {
        int code = run("version", "--config", "no-such.properties");

        assertEquals(1, code);
        assertEquals("varve: There is no file no-such.properties.\n", printed(err));
    }

    @Test
    void shouldNameAnUnreadableConfigurationFile(@TempDir Path folder) throws Exception {
        var binary = Files.write(folder.resolve("binary"), new byte[] {'a', '=', (byte) 0xff, '\n'});

        int folderCode = run("version", "--config", folder.toString());
        int binaryCode = run("version", "--config", binary.toString());

        assertEquals(1, folderCode);
        assertEquals(1, binaryCode);
        assertEquals(
                "varve: The configuration file " + folder + " can't be read: Is a directory.\n"
                        + "varve: The configuration file " + binary + " is no text in UTF-8.\n",
                printed(err));
    }

    @Test
    void shouldTakeUnsaidOptionsFromTheConfigurationFile(@TempDir Path folder) throws Exception {
        var config = Files.writeString(folder.resolve("varve.properties"), "greeting=hello\n");

        int fromFile = run("greet", "--config=" + config);
        int fromCommandLine = run("greet", "--config", config.toString(), "--greeting", "welcome");

        assertEquals(0, fromFile);
        assertEquals(0, fromCommandLine);
        assertEquals("hello\nwelcome\n", printed(out));
    }

    private int run(String... arguments) {
        var surroundings = new Surroundings(print(out), print(err), Map.of());
        var verbs = List.of(new VersionVerb(surroundings), new FailVerb(), new GreetVerb(surroundings));
        return new Varve(surroundings, verbs).run(arguments);
    }

    private static PrintStream print(ByteArrayOutputStream stream) {
        return new PrintStream(stream, true, StandardCharsets.UTF_8);
    }

    private static String printed(ByteArrayOutputStream stream) {
        return stream.toString(StandardCharsets.UTF_8);
    }

    @Command(name = "fail")
    private static final class FailVerb implements Callable<Integer> {

        @Override
        public Integer call() throws IOException {
            throw new NoSuchFileException("disk.img");
        }
    }

    @Command(name = "greet")
    private static final class GreetVerb implements Callable<Integer> {

        private final Surroundings surroundings;

        @Option(names = "--greeting")
        private String greeting;

        private GreetVerb(Surroundings surroundings) {
            this.surroundings = surroundings;
        }

        @Override
        public Integer call() {
            surroundings.out().println(greeting);
            return ExitCode.DONE.code();
        }
    }
}
