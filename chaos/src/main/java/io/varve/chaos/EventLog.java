package io.varve.chaos;

import java.io.IOException;
import java.io.PrintStream;
import java.io.PrintWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.function.Consumer;

/** What happened, a line each, with the seconds since the beginning; all of it in a file. Safe for any thread. */
final class EventLog implements AutoCloseable {
    private final Consumer<String> out;
    private final PrintWriter file;
    private final long startNanos = System.nanoTime();
    /** Guarded by this. */
    private final List<String> recent = new ArrayList<>();

    private EventLog(Consumer<String> out, PrintWriter file) {
        this.out = out;
        this.file = file;
    }

    /** @param out takes the lines that are printed */
    static EventLog in(Path file, Consumer<String> out) throws IOException {
        return new EventLog(out, new PrintWriter(Files.newBufferedWriter(file), true));
    }

    /** Writes down what happened. */
    synchronized void note(String what) {
        String line = String.format(Locale.ROOT, "%8.3f s  %s", (System.nanoTime() - startNanos) / 1e9, what);
        recent.add(line);
        file.println(line);
    }

    /** Writes it down and prints it. */
    synchronized void say(String what) {
        note(what);
        out.accept(recent.getLast());
    }

    synchronized void startRound() {
        recent.clear();
    }

    /** Prints what happened since the round began. */
    synchronized void printRound() {
        recent.forEach(out);
    }

    /** For what prints by itself, such as the stack. */
    PrintStream asStream() {
        return new PrintStream(PrintStream.nullOutputStream()) {
            @Override
            public void println(String line) {
                note(line);
            }
        };
    }

    @Override
    public synchronized void close() {
        file.close();
    }
}
