package io.varve.capture.qmp;

import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.util.Collection;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.function.Supplier;

/**
 * What commands take, as query-qmp-schema tells it (QAPI's introspect.json in 7.2); types have numbers for names, as
 * there. What commands return isn't declared here: it's {@code any}.
 */
final class SchemaInfo {
    private static final String ANY = "any";

    private final ArrayNode entries = JsonText.object().arrayNode();
    private final Map<Parameter.Type, String> known = new HashMap<>();

    private final Set<String> lists = new HashSet<>();

    private SchemaInfo() {}

    static ArrayNode of(Collection<Command> commands) {
        SchemaInfo schema = new SchemaInfo();
        for (Command command : commands) {
            schema.entry(command.name(), "command")
                    .put("arg-type", schema.name(command.arguments()))
                    .put("ret-type", ANY)
                    .put("allow-oob", false);
        }
        Map<String, String> builtins =
                Map.of("str", "string", "int", "int", "bool", "boolean", "null", "null", ANY, "value");
        builtins.forEach((name, json) -> schema.entry(name, "builtin").put("json-type", json));
        return schema.entries;
    }

    private ObjectNode entry(String name, String metaType) {
        return entries.addObject().put("name", name).put("meta-type", metaType);
    }

    private String name(Parameter.Type type) {
        return switch (type) {
            case Parameter.Type.Text _ -> "str";
            case Parameter.Type.Flag _ -> "bool";
            case Parameter.Type.Null _ -> "null";
            case Parameter.Type.Rest _ -> ANY;
            case Parameter.Type.Whole _, Parameter.Type.Uint64 _, Parameter.Type.Uint32 _, Parameter.Type.Int32 _ ->
                "int";
            case Parameter.Type.ListOf(Parameter.Type element) -> list(name(element));
            case Parameter.Type.TextOrStruct choice -> name(choice.asAlternate());
            case Parameter.Type.Named(String _, Supplier<Parameter.Type> meaning) -> name(meaning.get());
            default -> known.containsKey(type) ? known.get(type) : described(type);
        };
    }

    private String list(String element) {
        String name = "[" + element + "]";
        if (lists.add(name)) {
            entry(name, "array").put("element-type", element);
        }
        return name;
    }

    private String described(Parameter.Type type) {
        String name = String.valueOf(known.size());
        // Before what's in it, which may be the type itself.
        known.put(type, name);
        switch (type) {
            case Parameter.Type.Choice(List<String> values) -> choice(name, values);
            case Parameter.Type.Struct(List<Parameter> members) -> members(entry(name, "object"), members);
            case Parameter.Type.Alternate(String _, List<Parameter.Type> kinds) -> {
                ArrayNode members = entry(name, "alternate").putArray("members");
                kinds.forEach(kind -> members.addObject().put("type", name(kind)));
            }
            case Parameter.Type.Union(String tag, List<Parameter> base, Map<String, List<Parameter>> branches) ->
                union(members(entry(name, "object"), base), tag, branches);
            case Parameter.Type.Tagged(Map<String, List<Parameter>> branches) -> tagged(name, branches);
            default -> throw new IllegalArgumentException(type.toString());
        }
        return name;
    }

    private void choice(String name, List<String> values) {
        ObjectNode entry = entry(name, "enum");
        ArrayNode members = entry.putArray("members");
        ArrayNode list = entry.putArray("values");
        values.forEach(value -> {
            members.addObject().put("name", value);
            list.add(value);
        });
    }

    private ObjectNode members(ObjectNode entry, List<Parameter> declared) {
        ArrayNode members = entry.putArray("members");
        for (Parameter parameter : declared) {
            if (!parameter.name().isEmpty()) {
                ObjectNode member = members.addObject().put("name", parameter.name());
                member.put("type", name(parameter.type()));
                if (!parameter.isRequired()) {
                    member.putNull("default");
                }
            }
        }
        return entry;
    }

    private void union(ObjectNode entry, String tag, Map<String, List<Parameter>> branches) {
        ArrayNode variants = entry.put("tag", tag).putArray("variants");
        branches.forEach((value, members) ->
                variants.addObject().put("case", value).put("type", name(new Parameter.Type.Struct(members))));
    }

    private void tagged(String name, Map<String, List<Parameter>> branches) {
        Parameter.Type tag = new Parameter.Type.Choice(List.copyOf(branches.keySet()));
        ObjectNode entry = members(entry(name, "object"), List.of(Parameter.required("type", tag)));
        ArrayNode variants = entry.put("tag", "type").putArray("variants");
        branches.forEach((value, members) -> variants.addObject()
                .put("case", value)
                .put(
                        "type",
                        name(new Parameter.Type.Struct(
                                List.of(Parameter.required("data", new Parameter.Type.Struct(members)))))));
    }
}
