package io.varve.capture.qmp;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.Optional;

/** Arguments that were checked against their declaration. */
record Arguments(ObjectNode json) {
    String text(String name) {
        return member(name).textValue();
    }

    Optional<String> optionalText(String name) {
        return Optional.ofNullable(json.get(name)).map(JsonNode::textValue);
    }

    boolean flag(String name, boolean otherwise) {
        return Optional.ofNullable(json.get(name)).map(JsonNode::booleanValue).orElse(otherwise);
    }

    Optional<Long> optionalNumber(String name) {
        return Optional.ofNullable(json.get(name)).map(JsonNode::longValue);
    }

    boolean has(String name) {
        return json.has(name);
    }

    Arguments struct(String name) {
        return new Arguments((ObjectNode) member(name));
    }

    List<JsonNode> list(String name) {
        List<JsonNode> elements = new ArrayList<>();
        Optional.ofNullable(json.get(name)).ifPresent(list -> list.forEach(elements::add));
        return elements;
    }

    private JsonNode member(String name) {
        return Objects.requireNonNull(json.get(name), name);
    }
}
