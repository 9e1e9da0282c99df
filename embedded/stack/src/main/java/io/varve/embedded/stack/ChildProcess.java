package io.varve.embedded.stack;

import io.varve.embedded.child.ReadyLine;
import java.io.BufferedReader;
import java.io.BufferedWriter;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;

/**
 * A JVM that this process started. It says that it serves with a {@link ReadyLine}, both its outputs go to a log file,
 * and it ends when this process ends, because its standard input ends then.
 *
 * <p>Safe for any thread.
 */
public final class ChildProcess implements AutoCloseable {

    private static final Duration STOP_PATIENCE = Duration.ofSeconds(10);
    private static final int LOG_LINES_SHOWN = 20;

    private final String name;
    private final Process process;
    private final Path log;
    private final CompletableFuture<ReadyLine> ready = new CompletableFuture<>();

    private ChildProcess(String name, Process process, Path log) {
        this.name = name;
        this.process = process;
        this.log = log;
    }

    /**
     * Starts the command and returns at once.
     *
     * @param log the file that both outputs are appended to; its folder is made when it is new
     */
    public static ChildProcess start(JavaCommand command, Path log) throws IOException {
        Files.createDirectories(log.toAbsolutePath().getParent());
        var process = command.toProcessBuilder()
                .redirectError(ProcessBuilder.Redirect.appendTo(log.toFile()))
                .start();
        var child = new ChildProcess(command.name(), process, log);
        Thread.ofPlatform().daemon().name(command.name() + "-output").start(child::followOutput);
        return child;
    }

    /** Copies standard output to the log and looks for the ready line in it. Thread: the output thread only. */
    private void followOutput() {
        try (var output = process.inputReader(StandardCharsets.UTF_8);
                var copy = Files.newBufferedWriter(log, StandardOpenOption.CREATE, StandardOpenOption.APPEND)) {
            follow(output, copy);
        } catch (IOException e) {
            ready.completeExceptionally(e);
        } finally {
            ready.completeExceptionally(new IOException(name + " ended before it served."));
        }
    }

    private void follow(BufferedReader output, BufferedWriter copy) throws IOException {
        for (var line = output.readLine(); line != null; line = output.readLine()) {
            copy.write(line);
            copy.newLine();
            copy.flush();
            ReadyLine.parse(line).ifPresent(ready::complete);
        }
    }

    /**
     * Waits for the ready line; a process that isn't ready in time is killed.
     *
     * @return the address that the ready line names
     * @throws IOException when the process ended first or took too long; the message shows the end of its log
     */
    public String awaitReady(Duration patience) throws IOException, InterruptedException {
        try {
            return ready.get(patience.toMillis(), TimeUnit.MILLISECONDS).address();
        } catch (TimeoutException e) {
            killNow();
            throw new IOException(name + " didn't serve within " + patience.toSeconds() + " s" + logShown(), e);
        } catch (ExecutionException e) {
            var exit = process.waitFor(STOP_PATIENCE.toMillis(), TimeUnit.MILLISECONDS)
                    ? " with exit code " + process.exitValue()
                    : "";
            throw new IOException(name + " ended" + exit + " before it served" + logShown(), e);
        }
    }

    private String logShown() throws IOException {
        var lines = Files.exists(log) ? Files.readAllLines(log) : List.<String>of();
        var last = lines.subList(Math.max(0, lines.size() - LOG_LINES_SHOWN), lines.size());
        return "; its log " + log + " ends:" + System.lineSeparator() + String.join(System.lineSeparator(), last);
    }

    /** The operating system's number of the process. */
    public long pid() {
        return process.pid();
    }

    /** Whether the process runs. */
    public boolean isAlive() {
        return process.isAlive();
    }

    /** Waits until the process has ended; its exit code. */
    public int awaitExit() throws InterruptedException {
        return process.waitFor();
    }

    /** Kills the process as {@code kill -9} does, and waits until it's gone. */
    public void killNow() throws InterruptedException {
        process.destroyForcibly().waitFor();
    }

    /**
     * Lets the process end cleanly, which the end of its standard input asks for; kills it when that takes too long.
     */
    public void stop() throws InterruptedException {
        try {
            process.outputWriter(StandardCharsets.UTF_8).close();
        } catch (IOException e) {
            // The pipe is broken already: the process is gone or about to go.
            process.destroy();
        }
        if (!process.waitFor(STOP_PATIENCE.toMillis(), TimeUnit.MILLISECONDS)) {
            killNow();
        }
    }

    /** As {@link #stop}; an interrupted caller's child is killed. */
    @Override
    public void close() {
        try {
            stop();
        } catch (InterruptedException e) {
            process.destroyForcibly();
            Thread.currentThread().interrupt();
        }
    }
}
