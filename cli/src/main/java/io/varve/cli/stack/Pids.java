package io.varve.cli.stack;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;

/**
 * The numbers of the running children, a file each: the number, and when the process started, because numbers are used
 * again. Safe for any thread.
 */
record Pids(Path folder) {

    /** A killed stack's children end by themselves; a broker that writes its state takes longest. */
    private static final Duration PATIENCE = Duration.ofSeconds(20);

    void write(String member, long pid) throws IOException {
        var started = ProcessHandle.of(pid).flatMap(process -> process.info().startInstant());
        Files.writeString(
                folder.resolve(member),
                pid + "\n" + started.map(Object::toString).orElse("") + "\n");
    }

    void remove(String member) throws IOException {
        Files.deleteIfExists(folder.resolve(member));
    }

    /**
     * Waits until the children of a stack that was killed here are gone.
     *
     * @throws IOException in one sentence when one stays
     */
    void awaitGone() throws IOException, InterruptedException {
        try (var files = Files.list(folder)) {
            for (var file : files.toList()) {
                var process = running(file);
                if (process.isPresent()) {
                    awaitGone(file, process.get());
                }
                Files.deleteIfExists(file);
            }
        }
    }

    private static void awaitGone(Path file, ProcessHandle process) throws IOException, InterruptedException {
        try {
            process.onExit().get(PATIENCE.toMillis(), TimeUnit.MILLISECONDS);
        } catch (TimeoutException | ExecutionException e) {
            throw new IOException(
                    "The process " + process.pid() + " of a 'varve up' that was killed still runs, as " + file
                            + " says; end it before the next one starts",
                    e);
        }
    }

    private static Optional<ProcessHandle> running(Path file) throws IOException {
        List<String> lines = Files.readAllLines(file);
        if (lines.size() < 2 || !lines.getFirst().matches("\\d{1,10}")) {
            return Optional.empty();
        }
        return ProcessHandle.of(Long.parseLong(lines.getFirst()))
                .filter(process -> process.info()
                        .startInstant()
                        .map(Object::toString)
                        .orElse("")
                        .equals(lines.get(1)));
    }
}
