package io.varve.embedded.child;

import java.io.PrintStream;
import java.util.Optional;

/**
 * The one line on standard output with which a child process says that it serves, and where.
 *
 * @param address what its clients connect to, {@code HOST:PORT} for the servers of the embedded stack
 */
public record ReadyLine(String address) {

    private static final String PREFIX = "varve-ready ";

    /** The line's content, when this line of standard output is a ready line. */
    public static Optional<ReadyLine> parse(String line) {
        return line.startsWith(PREFIX)
                ? Optional.of(new ReadyLine(line.substring(PREFIX.length()).strip()))
                : Optional.empty();
    }

    /** Says on the stream, which must be standard output, that the process serves now. */
    public void print(PrintStream out) {
        out.println(PREFIX + address);
        out.flush();
    }
}
