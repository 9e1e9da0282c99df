package io.varve.capture.qmp;

import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;

/**
 * A token of a stream of JSON texts.
 *
 * @param bytes as they came, with a string's quotes; those of a stray one end with the byte that didn't fit
 */
record JsonToken(Kind kind, ByteBuffer bytes) {
    /** What a token is. */
    enum Kind {
        LEFT_BRACE,
        RIGHT_BRACE,
        LEFT_BRACKET,
        RIGHT_BRACKET,
        COLON,
        COMMA,
        STRING,
        INTEGER,
        FLOAT,
        KEYWORD,
        /** No token of JSON's. */
        STRAY
    }

    private static final int QUOTED_MAX = 1000;

    /** Bytes that are no UTF-8 become U+FFFD. */
    String text() {
        return StandardCharsets.UTF_8.decode(bytes.duplicate()).toString();
    }

    /** For messages: at most the beginning of a long one. */
    String quoted() {
        String text = text();
        return text.length() > QUOTED_MAX ? text.substring(0, QUOTED_MAX) + "…" : text;
    }
}
