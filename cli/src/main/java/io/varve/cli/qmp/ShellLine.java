package io.varve.cli.qmp;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.core.json.JsonReadFeature;
import com.fasterxml.jackson.databind.DeserializationFeature;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.json.JsonMapper;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;

/**
 * A line of the shell: a request as JSON, or a command with arguments, {@code NAME=VALUE} each.
 *
 * <p>A value is JSON, or else text; a name with dots is one within structures. Quotes, single or double, and brackets
 * hold a value together.
 */
public sealed interface ShellLine {

    /** What to send. */
    record Request(ObjectNode json) implements ShellLine {}

    /** Nothing to do. */
    record Empty() implements ShellLine {}

    /** No request, and why: a sentence. */
    record Wrong(String complaint) implements ShellLine {}

    /** Reads JSON, also with single quotes, and nothing behind it. */
    JsonMapper JSON = JsonMapper.builder()
            .enable(JsonReadFeature.ALLOW_SINGLE_QUOTES)
            .enable(DeserializationFeature.FAIL_ON_TRAILING_TOKENS)
            .build();

    /** Reads a line. */
    static ShellLine read(String line) {
        var text = line.strip();
        if (text.isEmpty()) {
            return new Empty();
        }
        if (text.startsWith("{")) {
            return request(text);
        }
        var words = new ShellWords(text).split();
        var request = JsonNodeFactory.instance.objectNode().put("execute", words.getFirst());
        var arguments = JsonNodeFactory.instance.objectNode();
        for (var word : words.subList(1, words.size())) {
            int equals = word.indexOf('=');
            if (equals < 1) {
                return new Wrong(
                        "'" + word + "' isn't an argument; expected NAME=VALUE, or the whole command as JSON.");
            }
            if (!put(arguments, word.substring(0, equals), value(word.substring(equals + 1)))) {
                return new Wrong("'" + word + "' doesn't fit what stands before it.");
            }
        }
        if (!arguments.isEmpty()) {
            request.set("arguments", arguments);
        }
        return new Request(request);
    }

    private static ShellLine request(String text) {
        try {
            return JSON.readTree(text) instanceof ObjectNode object
                    ? new Request(object)
                    : new Wrong("That's no JSON object.");
        } catch (JsonProcessingException e) {
            return new Wrong("That's no JSON: " + e.getOriginalMessage() + ".");
        }
    }

    private static boolean put(ObjectNode arguments, String path, JsonNode value) {
        var names = path.split("\\.", -1);
        var inner = arguments;
        for (int i = 0; i < names.length - 1; i++) {
            if (inner.has(names[i]) && !inner.get(names[i]).isObject()) {
                return false;
            }
            inner = inner.withObjectProperty(names[i]);
        }
        return inner.putIfAbsent(names[names.length - 1], value) == null;
    }

    private static JsonNode value(String text) {
        try {
            return JSON.readTree(text).isMissingNode() ? JsonNodeFactory.instance.textNode(text) : JSON.readTree(text);
        } catch (JsonProcessingException e) {
            return JsonNodeFactory.instance.textNode(text);
        }
    }
}
