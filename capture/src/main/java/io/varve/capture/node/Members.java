package io.varve.capture.node;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;

/** The members of a description as they're read, so that those that nobody reads are refused. */
final class Members {
    private final ObjectNode json;
    private final String prefix;
    private final Set<String> read = new HashSet<>();
    private final List<Members> below = new ArrayList<>();

    /** @param prefix of the members' names in messages, as {@code file.} */
    Members(ObjectNode json, String prefix) {
        this.json = json;
        this.prefix = prefix;
    }

    String path(String name) {
        return prefix + name;
    }

    private Optional<JsonNode> member(String name) {
        read.add(name);
        return Optional.ofNullable(json.get(name));
    }

    void ignore(String name) {
        read.add(name);
    }

    boolean has(String name) {
        return json.has(name);
    }

    boolean isNull(String name) {
        boolean isNull = json.path(name).isNull();
        if (isNull) {
            read.add(name);
        }
        return isNull;
    }

    String text(String name) throws NodeRefusedException {
        return optionalText(name)
                .orElseThrow(() -> new NodeRefusedException("Parameter '" + path(name) + "' is missing"));
    }

    Optional<String> optionalText(String name) throws NodeRefusedException {
        Optional<JsonNode> value = member(name).filter(v -> !v.isNull());
        if (value.isPresent() && !value.get().isTextual()) {
            throw wrongType(name, "string");
        }
        return value.map(JsonNode::textValue);
    }

    /** A text where a structure might be, too. */
    Optional<String> reference(String name) {
        return Optional.ofNullable(json.get(name)).filter(JsonNode::isTextual).map(value -> {
            read.add(name);
            return value.textValue();
        });
    }

    boolean flag(String name, boolean otherwise) throws NodeRefusedException {
        Optional<JsonNode> value = member(name);
        if (value.isEmpty()) {
            return otherwise;
        }
        return switch (value.get().asText()) {
            case "true", "on", "yes" -> true;
            case "false", "off", "no" -> false;
            default -> throw wrongType(name, "boolean");
        };
    }

    Optional<Long> number(String name) throws NodeRefusedException {
        Optional<JsonNode> value = member(name);
        if (value.isEmpty()) {
            return Optional.empty();
        }
        if (value.get().isIntegralNumber() && value.get().canConvertToLong()) {
            return Optional.of(value.get().longValue());
        }
        try {
            return Optional.of(Long.decode(value.get().textValue()));
        } catch (NumberFormatException | NullPointerException e) {
            throw wrongType(name, "integer");
        }
    }

    Optional<Members> members(String name) throws NodeRefusedException {
        Optional<JsonNode> value = member(name);
        if (value.isEmpty()) {
            return Optional.empty();
        }
        if (!(value.get() instanceof ObjectNode object)) {
            throw wrongType(name, "object");
        }
        return Optional.of(under(object, path(name) + "."));
    }

    List<Members> list(String name) throws NodeRefusedException {
        Optional<JsonNode> value = member(name);
        List<Members> list = new ArrayList<>();
        if (value.isPresent()) {
            for (JsonNode element : value.get()) {
                if (!(element instanceof ObjectNode object)) {
                    throw wrongType(name + "[" + list.size() + "]", "object");
                }
                list.add(under(object, path(name) + "[" + list.size() + "]."));
            }
        }
        return list;
    }

    private Members under(ObjectNode object, String prefix) {
        Members members = new Members(object, prefix);
        below.add(members);
        return members;
    }

    void checkAllRead() throws NodeRefusedException {
        for (Members members : below) {
            members.checkAllRead();
        }
        for (Map.Entry<String, JsonNode> member : json.properties()) {
            if (!read.contains(member.getKey())) {
                throw new NodeRefusedException("Parameter '" + path(member.getKey()) + "' is unexpected");
            }
        }
    }

    private NodeRefusedException wrongType(String name, String expected) {
        return new NodeRefusedException("Invalid parameter type for '" + path(name) + "', expected: " + expected);
    }
}
