package io.varve.embedded.stack;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.varve.embedded.child.ParentWatch;
import io.varve.embedded.child.ReadyLine;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class ChildProcessTest {

    private static final Duration PATIENCE = Duration.ofSeconds(60);

    @TempDir
    Path folder;

    @Test
    void shouldEndWithItsParent() throws Exception {
        var parent = ChildProcess.start(command(ParentMain.class), folder.resolve("parent.log"));
        var grandchild =
                ProcessHandle.of(Long.parseLong(parent.awaitReady(PATIENCE))).orElseThrow();

        parent.killNow();

        grandchild.onExit().get(PATIENCE.toSeconds(), TimeUnit.SECONDS);
        assertFalse(grandchild.isAlive());
    }

    @Test
    void shouldStopCleanly() throws Exception {
        var child = ChildProcess.start(command(SleeperMain.class), folder.resolve("child.log"));
        child.awaitReady(PATIENCE);

        child.stop();

        assertEquals(SleeperMain.CLEAN_EXIT, child.awaitExit());
    }

    @Test
    void shouldLetOthersGoFirstWhenItRunsInTheBackground() throws Exception {
        var usual = ChildProcess.start(command(SleeperMain.class), folder.resolve("usual.log"));
        var background =
                ChildProcess.start(command(SleeperMain.class).inBackground(), folder.resolve("background.log"));
        try (usual;
                background) {
            usual.awaitReady(PATIENCE);
            background.awaitReady(PATIENCE);

            assertEquals(niceness(ProcessHandle.current().pid()), niceness(usual.pid()));
            assertTrue(niceness(background.pid()) > niceness(usual.pid()));
        }
    }

    /** The 19th field of proc(5)'s stat; the second one may hold spaces. */
    private static int niceness(long pid) throws IOException {
        var stat = Files.readString(Path.of("/proc", Long.toString(pid), "stat"));
        return Integer.parseInt(stat.substring(stat.lastIndexOf(')') + 2).split(" ", -1)[16]);
    }

    @Test
    void shouldShowTheLogOfAChildThatFails() throws Exception {
        var log = folder.resolve("logs").resolve("child.log");
        var child = ChildProcess.start(command(FailingMain.class), log);

        var failure = assertThrows(IOException.class, () -> child.awaitReady(PATIENCE));

        var message = Objects.requireNonNull(failure.getMessage());
        assertTrue(message.contains("exit code 3"), message);
        assertTrue(message.endsWith("the disk is on fire"), message);
        assertEquals(List.of("the disk is on fire"), Files.readAllLines(log));
    }

    private JavaCommand command(Class<?> main) {
        var arguments = List.of(main.getName(), folder.resolve("grandchild.log").toString());
        return new JavaCommand("child", JvmOptions.small(32), JavaCommand.ownClassPath(), arguments, Map.of());
    }

    /** A child that has a child. */
    static final class ParentMain {
        public static void main(String[] arguments) throws Exception {
            var main = List.of(SleeperMain.class.getName());
            var command = new JavaCommand("child", JvmOptions.small(32), JavaCommand.ownClassPath(), main, Map.of());
            var child = ChildProcess.start(command, Path.of(arguments[0]));
            child.awaitReady(PATIENCE);
            new ReadyLine(Long.toString(child.pid())).print(System.out);
            new CountDownLatch(1).await();
        }
    }

    /** A child that serves nothing for ever. */
    static final class SleeperMain {
        static final int CLEAN_EXIT = 7;

        public static void main(String[] arguments) throws Exception {
            ParentWatch.start(System.in, () -> System.exit(CLEAN_EXIT));
            new ReadyLine("nowhere").print(System.out);
            new CountDownLatch(1).await();
        }
    }

    /** A child that says why it can't serve. */
    static final class FailingMain {
        public static void main(String[] arguments) {
            System.err.println("the disk is on fire");
            System.exit(3);
        }
    }
}
