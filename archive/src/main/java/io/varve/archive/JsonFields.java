package io.varve.archive;

import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.core.StreamReadConstraints;
import com.fasterxml.jackson.core.StreamReadFeature;
import com.fasterxml.jackson.databind.DeserializationFeature;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.json.JsonMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.TreeSet;
import java.util.function.Function;

/**
 * A JSON object read strictly: every field that's asked for must be there with its type, and none may be left over.
 * Errors are {@link IllegalArgumentException}s that name the field.
 */
final class JsonFields {
    static final int MAX_BYTES = 1 << 20;
    private static final int MAX_DEPTH = 64;

    static final JsonMapper MAPPER = JsonMapper.builder(JsonFactory.builder()
                    .streamReadConstraints(StreamReadConstraints.builder()
                            .maxNestingDepth(MAX_DEPTH)
                            .maxDocumentLength(MAX_BYTES)
                            .build())
                    .enable(StreamReadFeature.STRICT_DUPLICATE_DETECTION)
                    .build())
            .enable(DeserializationFeature.FAIL_ON_TRAILING_TOKENS)
            .build();

    private final String path;
    private final JsonNode node;
    private final Set<String> asked = new HashSet<>();

    private JsonFields(String path, JsonNode node) {
        this.path = path;
        this.node = node;
        if (!node.isObject()) {
            throw new IllegalArgumentException(
                    "expected an object at " + (path.isEmpty() ? "the top" : "'" + path + "'"));
        }
    }

    /** Makes a value of a document; {@code what} names the document in the message of the error. */
    static <T> T parse(String what, byte[] bytes, Function<JsonFields, T> reader) throws DamagedArchiveException {
        try {
            if (bytes.length > MAX_BYTES) {
                throw new IllegalArgumentException(bytes.length + " bytes; expected at most " + MAX_BYTES);
            }
            JsonFields fields = new JsonFields("", MAPPER.readTree(bytes));
            long version = fields.number("version");
            if (version != ArchiveFormat.VERSION) {
                throw new IllegalArgumentException("it has format version " + version + ", this program reads "
                        + ArchiveFormat.VERSION + "; use the program that wrote it");
            }
            T value = reader.apply(fields);
            fields.end();
            return value;
        } catch (JsonProcessingException e) {
            throw new DamagedArchiveException(what + " is damaged: it isn't JSON: " + e.getOriginalMessage(), e);
        } catch (IllegalArgumentException e) {
            throw new DamagedArchiveException(what + " is damaged: " + e.getMessage(), e);
        } catch (IOException e) {
            throw new DamagedArchiveException(what + " can't be read: " + e.getMessage(), e);
        }
    }

    /** A new document with its version. */
    static ObjectNode document() {
        return MAPPER.createObjectNode().put("version", ArchiveFormat.VERSION);
    }

    static byte[] bytes(ObjectNode document) {
        try {
            return MAPPER.writerWithDefaultPrettyPrinter().writeValueAsBytes(document);
        } catch (JsonProcessingException e) {
            throw new IllegalStateException("a tree of nodes can always be written", e);
        }
    }

    String text(String name) {
        JsonNode value = required(name);
        check(value.isTextual(), name, "a string");
        return value.textValue();
    }

    Optional<String> optionalText(String name) {
        asked.add(name);
        return node.has(name) ? Optional.of(text(name)) : Optional.empty();
    }

    long number(String name) {
        JsonNode value = required(name);
        check(
                value.isIntegralNumber() && value.canConvertToLong() && value.longValue() >= 0,
                name,
                "a number from 0 on");
        return value.longValue();
    }

    int smallNumber(String name) {
        long value = number(name);
        check(value <= Integer.MAX_VALUE, name, "a number below 2^31");
        return (int) value;
    }

    JsonFields object(String name) {
        return new JsonFields(inside(name), required(name));
    }

    /** Reads the object of this name to its end, or gives empty when there's none. */
    <T> Optional<T> optional(String name, Function<JsonFields, T> reader) {
        asked.add(name);
        return node.has(name) ? Optional.of(whole(name, reader)) : Optional.empty();
    }

    /** Reads the object of this name to its end. */
    <T> T whole(String name, Function<JsonFields, T> reader) {
        JsonFields fields = object(name);
        T value = reader.apply(fields);
        fields.end();
        return value;
    }

    /** The items of an array. */
    List<JsonNode> items(String name) {
        JsonNode value = required(name);
        check(value.isArray(), name, "an array");
        List<JsonNode> items = new ArrayList<>(value.size());
        value.forEach(items::add);
        return items;
    }

    /** The names of all fields: for an object that's a map. */
    Set<String> names() {
        Set<String> names = new TreeSet<>();
        node.fieldNames().forEachRemaining(names::add);
        return names;
    }

    /** Refuses fields that nobody asked for. */
    void end() {
        for (String name : names()) {
            if (!asked.contains(name)) {
                throw new IllegalArgumentException("unknown field '" + inside(name) + "'");
            }
        }
    }

    private JsonNode required(String name) {
        asked.add(name);
        JsonNode value = node.get(name);
        if (value == null) {
            throw new IllegalArgumentException("field '" + inside(name) + "' is missing");
        }
        return value;
    }

    private void check(boolean holds, String name, String expected) {
        if (!holds) {
            throw new IllegalArgumentException("field '" + inside(name) + "': expected " + expected);
        }
    }

    private String inside(String name) {
        return path.isEmpty() ? name : path + "." + name;
    }
}
