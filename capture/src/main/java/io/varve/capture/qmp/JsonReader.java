package io.varve.capture.qmp;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import com.fasterxml.jackson.databind.node.TextNode;
import java.math.BigInteger;
import java.util.List;

/** Reads one text from its tokens, with the complaints of QEMU's json-parser. */
final class JsonReader {
    private static final BigInteger INT64_MIN = BigInteger.valueOf(Long.MIN_VALUE);
    private static final BigInteger UINT64_MAX = BigInteger.TWO.pow(64).subtract(BigInteger.ONE);
    private static final JsonNodeFactory NODES = JsonNodeFactory.instance;

    private final List<JsonToken> tokens;
    private int place;

    private JsonReader(List<JsonToken> tokens) {
        this.tokens = tokens;
    }

    /** Never leaves this package. */
    static final class BrokenException extends Exception {
        private static final long serialVersionUID = 1L;

        BrokenException(String reason) {
            super(reason, null, false, false);
        }
    }

    /** Reads what the tokens begin with; those that end a text are no more than one. */
    static JsonStream.Text read(List<JsonToken> tokens) {
        try {
            return new JsonStream.Text.Value(new JsonReader(tokens).value());
        } catch (BrokenException e) {
            return new JsonStream.Text.Broken("JSON parse error, " + e.getMessage());
        }
    }

    private JsonNode value() throws BrokenException {
        JsonToken token = next();
        return switch (token.kind()) {
            case LEFT_BRACE -> object();
            case LEFT_BRACKET -> array();
            case STRING -> NODES.textNode(JsonString.decode(token.bytes()));
            case INTEGER -> whole(token.text());
            case FLOAT -> NODES.numberNode(Double.parseDouble(token.text()));
            case KEYWORD -> keyword(token);
            default -> throw new BrokenException("expecting value");
        };
    }

    private ObjectNode object() throws BrokenException {
        ObjectNode object = NODES.objectNode();
        if (isNext(JsonToken.Kind.RIGHT_BRACE)) {
            next();
            return object;
        }
        while (true) {
            if (!(value() instanceof TextNode key)) {
                throw new BrokenException("key is not a string in object");
            }
            if (next().kind() != JsonToken.Kind.COLON) {
                throw new BrokenException("missing : in object pair");
            }
            JsonNode value = value();
            if (object.has(key.textValue())) {
                throw new BrokenException("duplicate key");
            }
            object.set(key.textValue(), value);
            JsonToken.Kind behind = next().kind();
            if (behind == JsonToken.Kind.RIGHT_BRACE) {
                return object;
            }
            if (behind != JsonToken.Kind.COMMA) {
                throw new BrokenException("expected separator in dict");
            }
        }
    }

    private ArrayNode array() throws BrokenException {
        ArrayNode array = NODES.arrayNode();
        if (isNext(JsonToken.Kind.RIGHT_BRACKET)) {
            next();
            return array;
        }
        while (true) {
            array.add(value());
            JsonToken.Kind behind = next().kind();
            if (behind == JsonToken.Kind.RIGHT_BRACKET) {
                return array;
            }
            if (behind != JsonToken.Kind.COMMA) {
                throw new BrokenException("expected separator in list");
            }
        }
    }

    /** A number beyond 64 bits is a fractional one, as QEMU takes it. */
    private static JsonNode whole(String digits) {
        // Longer than any of 64 bits; to read a million digits exactly would take long.
        if (digits.length() <= UINT64_MAX.toString().length()) {
            BigInteger number = new BigInteger(digits);
            if (number.compareTo(INT64_MIN) >= 0 && number.compareTo(UINT64_MAX) <= 0) {
                return number.bitLength() < Long.SIZE ? NODES.numberNode(number.longValue()) : NODES.numberNode(number);
            }
        }
        return NODES.numberNode(Double.parseDouble(digits));
    }

    private static JsonNode keyword(JsonToken token) throws BrokenException {
        return switch (token.text()) {
            case "true" -> NODES.booleanNode(true);
            case "false" -> NODES.booleanNode(false);
            case "null" -> NODES.nullNode();
            default -> throw new BrokenException("invalid keyword '" + token.quoted() + "'");
        };
    }

    private boolean isNext(JsonToken.Kind kind) {
        return place < tokens.size() && tokens.get(place).kind() == kind;
    }

    private JsonToken next() throws BrokenException {
        if (place == tokens.size()) {
            throw new BrokenException("premature EOI");
        }
        return tokens.get(place++);
    }
}
