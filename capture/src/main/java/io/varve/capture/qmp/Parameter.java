package io.varve.capture.qmp;

import java.util.List;
import java.util.Map;
import java.util.function.Supplier;

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

        /** A number of 64 bits without a sign; a negative one counts as its two's complement. */
        record Uint64() implements Type {}

        /** A number of 32 bits without a sign. */
        record Uint32() implements Type {}

        /** A signed number of 32 bits. */
        record Int32() implements Type {}

        record Null() implements Type {}

        record Choice(List<String> values) implements Type {}

        record Struct(List<Parameter> members) implements Type {}

        record ListOf(Type element) implements Type {}

        /** One of these, told apart by the JSON type. */
        record Alternate(String name, List<Type> kinds) implements Type {}

        /** The choice between a text and a structure. */
        record TextOrStruct(String name, List<Parameter> members) implements Type {
            Alternate asAlternate() {
                return new Alternate(name, List.of(new Text(), new Struct(members)));
            }
        }

        /** A structure with members {@code base}, and those that the text of the one called {@code tag} names. */
        record Union(String tag, List<Parameter> base, Map<String, List<Parameter>> branches) implements Type {}

        /** A type that holds itself, or that's long, by its name. */
        record Named(String name, Supplier<Type> meaning) implements Type {}

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
