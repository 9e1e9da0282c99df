package io.varve.capture.qmp;

import com.fasterxml.jackson.databind.JsonNode;
import java.util.List;

/**
 * One command.
 *
 * @param parameters in the order in which QAPI declares and so checks them
 * @param afterwards runs when the reply is on its way
 */
record Command(String name, List<Parameter> parameters, Body body, Runnable afterwards) {
    /** What it does with arguments that are as declared. */
    @FunctionalInterface
    interface Body {
        /** The value to reply with. */
        JsonNode run(Arguments arguments) throws QmpException;
    }

    Command {
        parameters = List.copyOf(parameters);
    }

    static Command of(String name, List<Parameter> parameters, Body body) {
        return new Command(name, parameters, body, () -> {});
    }
}
