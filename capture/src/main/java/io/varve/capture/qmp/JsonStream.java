package io.varve.capture.qmp;

import com.fasterxml.jackson.databind.JsonNode;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;

/**
 * A stream of bytes as JSON texts, as QEMU's json-streamer makes them: a text may span lines, and texts need nothing
 * between them. A text ends where its brackets balance, whether or not they match.
 *
 * <p>What isn't JSON, and a text beyond a limit, is told once; reading goes on with what follows.
 *
 * <p>Pure. Thread: one.
 */
final class JsonStream {
    static final int TEXT_BYTES_MAX = 1 << 20;
    static final int TOKENS_MAX = 10_000;
    static final int NESTING_MAX = 64;

    private final JsonLexer lexer = new JsonLexer(TEXT_BYTES_MAX);
    private List<JsonToken> tokens = new ArrayList<>();
    private List<Text> texts = new ArrayList<>();
    private int braces;
    private int brackets;
    private long bytes;

    /** What was found. */
    sealed interface Text {
        record Value(JsonNode node) implements Text {}

        /** No JSON; the reason is as QEMU says it. */
        record Broken(String reason) implements Text {}
    }

    /** Takes all of {@code input}; gives the texts that end in it, in order. */
    List<Text> take(ByteBuffer input) {
        while (input.hasRemaining()) {
            lexer.take(input.get(), this::take);
        }
        List<Text> found = texts;
        texts = new ArrayList<>();
        return found;
    }

    private void take(JsonToken token) {
        switch (token.kind()) {
            case LEFT_BRACE -> braces++;
            case RIGHT_BRACE -> braces--;
            case LEFT_BRACKET -> brackets++;
            case RIGHT_BRACKET -> brackets--;
            default -> {}
        }
        bytes += token.bytes().remaining();
        if (bytes > TEXT_BYTES_MAX) {
            end(new Text.Broken("JSON token size limit exceeded: a text has more than " + TEXT_BYTES_MAX + " bytes"));
        } else if (token.kind() == JsonToken.Kind.STRAY) {
            end(new Text.Broken("JSON parse error, stray '" + token.quoted() + "'"));
        } else if (tokens.size() == TOKENS_MAX) {
            end(new Text.Broken("JSON token count limit exceeded: a text has more than " + TOKENS_MAX + " tokens"));
        } else if (braces + brackets > NESTING_MAX) {
            end(new Text.Broken("JSON nesting depth limit exceeded: a text nests deeper than " + NESTING_MAX));
        } else {
            tokens.add(token);
            boolean isOpen = braces >= 0 && brackets >= 0 && braces + brackets > 0;
            if (!isOpen) {
                end(JsonReader.read(tokens));
            }
        }
    }

    private void end(Text text) {
        texts.add(text);
        tokens = new ArrayList<>();
        braces = 0;
        brackets = 0;
        bytes = 0;
    }
}
