package io.varve.capture.qmp;

import java.util.List;
import java.util.Map;

/** One declared argument of a command. */
record Parameter(String name, Type type, boolean isRequired) {
    /** What its value may be; the names in messages are QAPI's. */
    sealed interface Type {
        record Text() implements Type {}

        record Flag() implements Type {}

        /** Whatever it is, under whatever name. */
        record Rest() implements Type {}

        /** A signed number of 64 bits. */
        record Whole() implements Type {}

        /** A number of 32 bits without a sign. */
        record Uint32() implements Type {}

        record Choice(List<String> values) implements Type {}

        record Struct(List<Parameter> members) implements Type {}

        record ListOf(Type element) implements Type {}

        /** A text or a structure, told apart by the JSON type. */
        record TextOrStruct(String name, List<Parameter> members) implements Type {}

        /** An object whose member {@code type} says what its member {@code data} is. */
        record Tagged(Map<String, List<Parameter>> branches) implements Type {}
    }

    /** Members that the command's own reader checks. */
    static Parameter rest() {
        return new Parameter("", new Type.Rest(), false);
    }

    static Parameter required(String name, Type type) {
        return new Parameter(name, type, true);
    }

    static Parameter optional(String name, Type type) {
        return new Parameter(name, type, false);
    }

    static Parameter text(String name) {
        return required(name, new Type.Text());
    }

    static Parameter optionalText(String name) {
        return optional(name, new Type.Text());
    }

    static Parameter optionalFlag(String name) {
        return optional(name, new Type.Flag());
    }

    static Type choice(String... values) {
        return new Type.Choice(List.of(values));
    }
}
