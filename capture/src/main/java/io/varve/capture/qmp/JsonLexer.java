package io.varve.capture.qmp;

import io.varve.capture.qmp.JsonToken.Kind;
import java.io.ByteArrayOutputStream;
import java.nio.ByteBuffer;
import java.util.Optional;
import java.util.function.Consumer;

/**
 * Cuts a stream of bytes into tokens, as QEMU's json-lexer does: JSON's, and strings in single quotes.
 *
 * <p>After a stray byte it goes on at the next structural character, or after the next control character but a tab, or
 * after 0xFE or 0xFF, which clients send to bring it back to a known state.
 *
 * <p>Pure. Thread: one.
 */
final class JsonLexer {
    private static final int BYTE_MASK = 0xff;
    private static final int NEVER_IN_UTF8 = 0xfe;
    private static final int KEPT_BYTES = 4096;

    private final int tokenBytesMax;
    private ByteArrayOutputStream token = new ByteArrayOutputStream();
    private State state = State.BETWEEN;

    /** Where in a token the next byte stands. */
    private enum State {
        BETWEEN,
        STRING,
        ESCAPE,
        MINUS,
        ZERO,
        DIGITS,
        POINT,
        FRACTION,
        EXPONENT,
        EXPONENT_SIGN,
        EXPONENT_DIGITS,
        KEYWORD,
        /** After a stray byte. */
        LOST
    }

    private int quote;

    /** @param tokenBytesMax a token that grows beyond it is given out as a stray one */
    JsonLexer(int tokenBytesMax) {
        this.tokenBytesMax = tokenBytesMax;
    }

    /** Takes one byte; up to two tokens end at it. */
    void take(byte next, Consumer<JsonToken> tokens) {
        int value = next & BYTE_MASK;
        switch (state) {
            case LOST -> recover(value, tokens);
            case BETWEEN -> begin(value, tokens);
            case STRING, ESCAPE -> inString(value, tokens);
            default -> inWord(value, tokens);
        }
        if (token.size() > tokenBytesMax) {
            give(Kind.STRAY, tokens);
            state = State.LOST;
        }
    }

    private void recover(int next, Consumer<JsonToken> tokens) {
        if (structural(next).isPresent()) {
            begin(next, tokens);
        } else if ((next < ' ' && next != '\t') || next >= NEVER_IN_UTF8) {
            state = State.BETWEEN;
        }
    }

    private void begin(int next, Consumer<JsonToken> tokens) {
        state = State.BETWEEN;
        Optional<Kind> structural = structural(next);
        if (structural.isPresent()) {
            token.write(next);
            give(structural.get(), tokens);
        } else if (next == '"' || next == '\'') {
            quote = next;
            go(next, State.STRING);
        } else if (next >= 'a' && next <= 'z') {
            go(next, State.KEYWORD);
        } else if (next == '-') {
            go(next, State.MINUS);
        } else if (isDigit(next)) {
            go(next, next == '0' ? State.ZERO : State.DIGITS);
        } else if (next != ' ' && next != '\t' && next != '\r' && next != '\n') {
            stray(next, tokens);
        }
    }

    private void inString(int next, Consumer<JsonToken> tokens) {
        if (next < ' ' || next >= NEVER_IN_UTF8) {
            stray(next, tokens);
        } else if (state == State.STRING && next == quote) {
            token.write(next);
            give(Kind.STRING, tokens);
        } else {
            go(next, state == State.STRING && next == '\\' ? State.ESCAPE : State.STRING);
        }
    }

    /** A number or a keyword: the byte behind it tells where it ends. */
    private void inWord(int next, Consumer<JsonToken> tokens) {
        boolean isDigit = isDigit(next);
        boolean isExponent = next == 'e' || next == 'E';
        switch (state) {
            case KEYWORD -> follow(next >= 'a' && next <= 'z', State.KEYWORD, Kind.KEYWORD, next, tokens);
            case MINUS -> must(isDigit, next == '0' ? State.ZERO : State.DIGITS, next, tokens);
            case ZERO -> {
                if (isDigit) {
                    stray(next, tokens);
                } else {
                    behindWhole(next, tokens);
                }
            }
            case DIGITS -> {
                if (isDigit) {
                    go(next, State.DIGITS);
                } else {
                    behindWhole(next, tokens);
                }
            }
            case POINT -> must(isDigit, State.FRACTION, next, tokens);
            case FRACTION ->
                follow(isDigit || isExponent, isDigit ? State.FRACTION : State.EXPONENT, Kind.FLOAT, next, tokens);
            case EXPONENT ->
                must(
                        isDigit || next == '+' || next == '-',
                        isDigit ? State.EXPONENT_DIGITS : State.EXPONENT_SIGN,
                        next,
                        tokens);
            case EXPONENT_SIGN -> must(isDigit, State.EXPONENT_DIGITS, next, tokens);
            case EXPONENT_DIGITS -> follow(isDigit, State.EXPONENT_DIGITS, Kind.FLOAT, next, tokens);
            default -> throw new IllegalStateException(state.name());
        }
    }

    private void behindWhole(int next, Consumer<JsonToken> tokens) {
        boolean goesOn = next == '.' || next == 'e' || next == 'E';
        follow(goesOn, next == '.' ? State.POINT : State.EXPONENT, Kind.INTEGER, next, tokens);
    }

    /** The byte belongs to the token, or stands behind a whole one. */
    private void follow(boolean belongs, State then, Kind whole, int next, Consumer<JsonToken> tokens) {
        if (belongs) {
            go(next, then);
        } else {
            give(whole, tokens);
            begin(next, tokens);
        }
    }

    private void must(boolean belongs, State then, int next, Consumer<JsonToken> tokens) {
        if (belongs) {
            go(next, then);
        } else {
            stray(next, tokens);
        }
    }

    private void go(int next, State then) {
        token.write(next);
        state = then;
    }

    private void stray(int next, Consumer<JsonToken> tokens) {
        token.write(next);
        give(Kind.STRAY, tokens);
        state = State.LOST;
    }

    private void give(Kind kind, Consumer<JsonToken> tokens) {
        tokens.accept(new JsonToken(kind, ByteBuffer.wrap(token.toByteArray())));
        state = State.BETWEEN;
        if (token.size() > KEPT_BYTES) {
            token = new ByteArrayOutputStream();
        } else {
            token.reset();
        }
    }

    private static boolean isDigit(int next) {
        return next >= '0' && next <= '9';
    }

    private static Optional<Kind> structural(int next) {
        return switch (next) {
            case '{' -> Optional.of(Kind.LEFT_BRACE);
            case '}' -> Optional.of(Kind.RIGHT_BRACE);
            case '[' -> Optional.of(Kind.LEFT_BRACKET);
            case ']' -> Optional.of(Kind.RIGHT_BRACKET);
            case ':' -> Optional.of(Kind.COLON);
            case ',' -> Optional.of(Kind.COMMA);
            default -> Optional.empty();
        };
    }
}
