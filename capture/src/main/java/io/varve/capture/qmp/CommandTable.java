package io.varve.capture.qmp;

import com.fasterxml.jackson.databind.node.ArrayNode;
import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;

/** All commands, by name. Safe for any thread. */
final class CommandTable {
    private final Map<String, Command> commands = new TreeMap<>();

    private final List<Command> given;

    CommandTable(Collection<Command> commands) {
        given = List.copyOf(commands);
        List<Command> all = new ArrayList<>(commands);
        all.add(Command.of("query-commands", List.of(), _ -> names()));
        all.add(Command.of("query-qmp-schema", List.of(), _ -> SchemaInfo.of(this.commands.values())));
        for (Command command : all) {
            if (this.commands.put(command.name(), command) != null) {
                throw new IllegalArgumentException("two commands are named " + command.name());
            }
        }
    }

    /** The same with others. */
    CommandTable with(Collection<Command> others) {
        List<Command> all = new ArrayList<>(given);
        all.addAll(others);
        return new CommandTable(all);
    }

    Optional<Command> find(String name) {
        return Optional.ofNullable(commands.get(name));
    }

    private ArrayNode names() {
        ArrayNode names = JsonText.object().arrayNode();
        commands.keySet().forEach(name -> names.addObject().put("name", name));
        return names;
    }
}
