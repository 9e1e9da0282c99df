package io.varve.cli.qmp;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import java.io.IOException;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;

/** What an agent understands: its commands, and the names of their arguments. */
public final class CommandNames {
    private final Map<String, Set<String>> arguments = new TreeMap<>();

    private CommandNames() {}

    /**
     * Asks it.
     *
     * @throws IOException in one sentence
     */
    public static CommandNames of(QmpClient client) throws IOException, InterruptedException {
        var names = new CommandNames();
        var schema = new HashMap<String, JsonNode>();
        for (var entry : client.execute("query-qmp-schema", JsonNodeFactory.instance.objectNode())) {
            schema.put(entry.path("name").asText(), entry);
        }
        for (var entry : schema.values()) {
            if (entry.path("meta-type").asText().equals("command")) {
                names.arguments.put(
                        entry.path("name").asText(),
                        members(schema, entry.path("arg-type").asText()));
            }
        }
        return names;
    }

    /** Those of the structure, and of all its variants. */
    private static Set<String> members(Map<String, JsonNode> schema, String type) {
        var members = new TreeSet<String>();
        var described = schema.get(type);
        if (described != null) {
            described
                    .path("members")
                    .forEach(member -> members.add(member.path("name").asText()));
            for (var variant : described.path("variants")) {
                members.addAll(members(schema, variant.path("type").asText()));
            }
        }
        return members;
    }

    /** All commands, in their order. */
    public List<String> commands() {
        return List.copyOf(arguments.keySet());
    }

    /** What {@code command} takes; nothing where it isn't known. */
    public List<String> argumentsOf(String command) {
        return List.copyOf(arguments.getOrDefault(command, Set.of()));
    }
}
