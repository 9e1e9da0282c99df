package io.varve.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.varve.embedded.stack.JvmOptions;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class UpVerbTest {

    private static final long PATIENCE_SECONDS = 90;

    @TempDir
    Path folder;

    @Test
    void shouldStopAllWhenInterrupted() throws Exception {
        var data = folder.resolve("data");
        var up = start("up", "--data", data.toString(), "--roles", "capture");
        try (var output = up.inputReader()) {
            var first = output.readLine();
            assertTrue(first != null && first.startsWith("varve up: all serve after "), first);
            var children = up.children().toList();
            assertEquals(2, children.size());

            interrupt(up);

            assertTrue(up.waitFor(PATIENCE_SECONDS, TimeUnit.SECONDS), "it goes on");
            assertEquals(
                    List.of(), children.stream().filter(ProcessHandle::isAlive).toList());
        } finally {
            up.destroy();
        }
    }

    /** As the terminal does, but for this process alone: its children don't take it anyhow. */
    private static void interrupt(Process process) throws IOException, InterruptedException {
        var kill = new ProcessBuilder("kill", "-INT", Long.toString(process.pid()))
                .inheritIO()
                .start();
        assertEquals(0, kill.waitFor());
    }

    private Process start(String... arguments) throws IOException {
        var command = new ArrayList<String>();
        // A shell has what it runs in the background ignore an interrupt, and all of its children inherit that.
        command.addAll(List.of("env", "--default-signal=INT"));
        command.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
        command.addAll(JvmOptions.small(128));
        command.addAll(List.of("-cp", System.getProperty("java.class.path"), VarveMain.class.getName()));
        command.addAll(List.of(arguments));
        return new ProcessBuilder(command)
                .redirectError(ProcessBuilder.Redirect.INHERIT)
                .start();
    }

    @Test
    void shouldNameAMissingImage() {
        var run = CommandRun.of("up", "--data", folder.toString(), "a=" + folder.resolve("none.img"));

        assertEquals(1, run.code());
        assertEquals("varve up: image " + folder.resolve("none.img") + " doesn't exist.\n", run.err());
    }

    @Test
    void shouldRefuseAnImageThatNoDiskCouldBe() throws Exception {
        var odd = Files.write(folder.resolve("odd.img"), new byte[1000]);

        var run = CommandRun.of("up", "--data", folder.toString(), "a=" + odd);

        assertEquals(1, run.code());
        assertTrue(run.err().startsWith("varve up: image " + odd + " has 1000 bytes, expected a positive"), run.err());
    }

    @Test
    void shouldRefuseWhatIsNoDrive() {
        var run = CommandRun.of("up", "--data", folder.toString(), "disk.img");

        assertEquals(2, run.code());
        assertTrue(run.err().startsWith("varve: 'disk.img' names no drive; expected NAME=PATH["), run.err());
        assertTrue(run.err().endsWith(". Try 'varve help up'.\n"), run.err());
    }

    @Test
    void shouldRefuseADriveThatIsNamedTwice() {
        var run = CommandRun.of("up", "--data", folder.toString(), "a=1.img", "a=2.img");

        assertEquals(2, run.code());
        assertTrue(run.err().contains("'a'"), run.err());
    }

    @Test
    void shouldRefuseAFileAsItsFolder() throws Exception {
        var file = Files.createFile(folder.resolve("file"));

        var run = CommandRun.of("up", "--data", file.toString());

        assertEquals(1, run.code());
        assertEquals("varve up: " + file + " is no folder; name one with --data.\n", run.err());
    }

    @Test
    void shouldRefuseAFolderWhoseSocketsWouldHaveTooLongNames() {
        var run = CommandRun.of("up", "--data", folder.resolve("x".repeat(100)).toString());

        assertEquals(1, run.code());
        assertTrue(run.err().contains("too long a path for a socket"), run.err());
        assertFalse(Files.exists(folder.resolve("x".repeat(100))));
    }
}
