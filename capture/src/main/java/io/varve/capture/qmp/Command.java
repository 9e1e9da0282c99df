package io.varve.capture.qmp;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.util.List;

/**
 * One command.
 *
 * @param arguments a structure or a union, its members in the order in which QAPI declares and so checks them
 * @param afterwards runs when the reply is on its way
 */
record Command(String name, Parameter.Type arguments, Body body, Runnable afterwards) {
    /** What it does with arguments that are as declared. */
    @FunctionalInterface
    interface Body {
        /** The value to reply with. */
        JsonNode run(Arguments arguments) throws QmpException;
    }

    static Command of(String name, List<Parameter> parameters, Body body) {
        return of(name, new Parameter.Type.Struct(List.copyOf(parameters)), body);
    }

    static Command of(String name, Parameter.Type arguments, Body body) {
        return new Command(name, arguments, body, () -> {});
    }

    /** Checks the arguments, and carries it out. */
    JsonNode run(ObjectNode given) throws QmpException {
        ArgumentCheck.check(given, arguments);
        return body.run(new Arguments(given));
    }

    /** The same, and then this. */
    Command then(Runnable then) {
        return new Command(name, arguments, body, then);
    }
}
