package io.varve.cli.qmp;

import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.Optional;

/** Splits a stream of bytes into lines of bounded length. Thread: one reader only. */
final class QmpLines {

    static final int LINE_MAX_BYTES = 1 << 20;

    /** A line that no QMP server sends. */
    static final class TooLongException extends IOException {
        private static final long serialVersionUID = 1L;
    }

    private final InputStream input;
    private byte[] line = new byte[4096];

    QmpLines(InputStream input) {
        this.input = input;
    }

    /**
     * The next line without its end, or empty at the end of the stream; half a line at the end is none.
     *
     * @throws TooLongException when the line is too long
     */
    Optional<String> next() throws IOException {
        int length = 0;
        for (int next = input.read(); next >= 0; next = input.read()) {
            if (next == '\n') {
                return Optional.of(new String(line, 0, length, StandardCharsets.UTF_8).strip());
            }
            if (length == LINE_MAX_BYTES) {
                throw new TooLongException();
            }
            if (length == line.length) {
                line = Arrays.copyOf(line, length * 2);
            }
            line[length++] = (byte) next;
        }
        return Optional.empty();
    }
}
