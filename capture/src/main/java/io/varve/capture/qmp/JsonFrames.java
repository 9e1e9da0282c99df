package io.varve.capture.qmp;

import java.io.ByteArrayOutputStream;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;

/**
 * Cuts a stream of bytes into JSON texts, as QEMU's json-lexer and json-streamer do: a text may span lines, and texts
 * need nothing between them. Knows just enough of JSON to tell where a text ends.
 *
 * <p>After bytes that can't be JSON, or a text beyond a limit, it goes on at the next structural or control character.
 *
 * <p>Pure. Thread: one.
 */
final class JsonFrames {
    static final int TEXT_BYTES_MAX = 1 << 20;
    static final int TOKENS_MAX = 10_000;
    static final int NESTING_MAX = 64;

    private static final int BYTE_MASK = 0xff;

    private final ByteArrayOutputStream text = new ByteArrayOutputStream();
    private final List<Frame> frames = new ArrayList<>();
    private Mode mode = Mode.BETWEEN;
    private int quote;
    private int braces;
    private int brackets;
    private int tokens;

    /** Where in the text the next byte stands. */
    private enum Mode {
        BETWEEN,
        STRING,
        ESCAPE,
        /** A number or a keyword. */
        WORD,
        /** After what can't be JSON. */
        LOST
    }

    /** What was found. */
    sealed interface Frame {
        /** A text that ends where a JSON text may end. */
        record Text(ByteBuffer bytes) implements Frame {}

        /** Bytes that can't be a text; the reason is as QEMU says it. */
        record Broken(String reason) implements Frame {}
    }

    /** Takes all of {@code bytes}; gives the texts that end in them, in order. */
    List<Frame> take(ByteBuffer bytes) {
        frames.clear();
        while (bytes.hasRemaining()) {
            take(bytes.get() & BYTE_MASK);
        }
        return List.copyOf(frames);
    }

    private void take(int next) {
        switch (mode) {
            case BETWEEN -> begin(next);
            case STRING -> inString(next);
            case ESCAPE -> {
                text.write(next);
                mode = Mode.STRING;
            }
            case WORD -> {
                if (isOfWord(next)) {
                    text.write(next);
                } else {
                    mode = Mode.BETWEEN;
                    token();
                    begin(next);
                }
            }
            case LOST -> {
                if (isStructural(next)) {
                    mode = Mode.BETWEEN;
                    begin(next);
                } else if ((next < ' ' && next != '\t') || next >= 0xfe) {
                    mode = Mode.BETWEEN;
                }
            }
        }
        if (text.size() > TEXT_BYTES_MAX) {
            lose("JSON token size limit exceeded: a text has more than " + TEXT_BYTES_MAX + " bytes");
        }
    }

    private void begin(int next) {
        if (next == ' ' || next == '\t' || next == '\r' || next == '\n') {
            if (text.size() > 0) {
                text.write(next);
            }
        } else if (isStructural(next)) {
            text.write(next);
            structural(next);
        } else if (next == '"' || next == '\'') {
            text.write(next);
            quote = next;
            mode = Mode.STRING;
        } else if (isOfWord(next)) {
            text.write(next);
            mode = Mode.WORD;
        } else if (next < 0xfe) {
            lose("JSON parse error, stray byte 0x" + Integer.toHexString(next));
        } else {
            // Clients send 0xFF to bring the parser back to a known state.
            lose("JSON parse error, stray byte 0x" + Integer.toHexString(next));
            mode = Mode.BETWEEN;
        }
    }

    private void inString(int next) {
        if (next < ' ' || next >= 0xfe) {
            lose("JSON parse error, a string isn't ended before byte 0x" + Integer.toHexString(next));
            mode = Mode.BETWEEN;
            return;
        }
        text.write(next);
        if (next == '\\') {
            mode = Mode.ESCAPE;
        } else if (next == quote) {
            mode = Mode.BETWEEN;
            token();
        }
    }

    private void structural(int next) {
        switch (next) {
            case '{' -> braces++;
            case '}' -> braces--;
            case '[' -> brackets++;
            case ']' -> brackets--;
            default -> {}
        }
        if (braces + brackets > NESTING_MAX) {
            lose("JSON nesting depth limit exceeded: a text nests deeper than " + NESTING_MAX);
            return;
        }
        token();
    }

    private void token() {
        tokens++;
        if (braces < 0 || brackets < 0 || (braces == 0 && brackets == 0)) {
            frames.add(new Frame.Text(ByteBuffer.wrap(text.toByteArray())));
            reset();
        } else if (tokens > TOKENS_MAX) {
            lose("JSON token count limit exceeded: a text has more than " + TOKENS_MAX + " tokens");
        }
    }

    private void lose(String reason) {
        frames.add(new Frame.Broken(reason));
        reset();
        mode = Mode.LOST;
    }

    private void reset() {
        text.reset();
        braces = 0;
        brackets = 0;
        tokens = 0;
    }

    private static boolean isStructural(int next) {
        return next == '{' || next == '}' || next == '[' || next == ']' || next == ',' || next == ':';
    }

    private static boolean isOfWord(int next) {
        return (next >= 'a' && next <= 'z')
                || (next >= 'A' && next <= 'Z')
                || (next >= '0' && next <= '9')
                || next == '-'
                || next == '+'
                || next == '.'
                || next == '_';
    }
}
