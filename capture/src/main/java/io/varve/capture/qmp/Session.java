package io.varve.capture.qmp;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.varve.capture.qmp.QmpException.ErrorClass;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.concurrent.atomic.AtomicBoolean;

/**
 * One monitor's conversation: capabilities first, then commands (QEMU's qmp-dispatch.c and monitor/qmp.c).
 *
 * <p>Thread: one; {@link #isNegotiated} any.
 */
final class Session {
    static final String OUT_OF_BAND = "oob";

    private static final String EXECUTE = "execute";
    private static final String EXECUTE_OUT_OF_BAND = "exec-oob";
    private static final String CAPABILITIES = "qmp_capabilities";
    private static final List<Parameter> CAPABILITIES_PARAMETERS =
            List.of(Parameter.optional("enable", new Parameter.Type.ListOf(Parameter.choice(OUT_OF_BAND))));

    private final CommandTable commands;
    private final AtomicBoolean negotiated = new AtomicBoolean();
    private boolean outOfBand;

    Session(CommandTable commands) {
        this.commands = commands;
    }

    /**
     * A reply.
     *
     * @param afterwards to be run when it's on its way
     */
    record Reply(ObjectNode json, Runnable afterwards) {}

    /** Whether the monitor gets events. */
    boolean isNegotiated() {
        return negotiated.get();
    }

    /** Carries out one request. */
    Reply answer(JsonNode request) {
        ObjectNode reply = JsonText.object();
        Runnable afterwards = () -> {};
        try {
            Request checked = check(request);
            if (checked.name().equals(CAPABILITIES)) {
                reply.set("return", negotiate(checked.arguments()));
            } else {
                Command command = find(checked);
                reply.set("return", command.run(checked.arguments()));
                afterwards = command.afterwards();
            }
        } catch (QmpException e) {
            reply = error(e.errorClass(), e.description());
        }
        Optional<JsonNode> id = Optional.ofNullable(request.get("id"));
        if (id.isPresent()) {
            reply.set("id", id.get());
        }
        return new Reply(reply, afterwards);
    }

    /** The reply to what isn't a request. */
    static ObjectNode refusal(String reason) {
        return error(ErrorClass.GENERIC, reason);
    }

    private record Request(String name, ObjectNode arguments, boolean outOfBand) {}

    private Request check(JsonNode request) throws QmpException {
        if (!(request instanceof ObjectNode members)) {
            throw QmpException.generic("QMP input must be a JSON object");
        }
        Optional<String> key = Optional.empty();
        for (Map.Entry<String, JsonNode> member : members.properties()) {
            String name = member.getKey();
            boolean isExecute = name.equals(EXECUTE) || (name.equals(EXECUTE_OUT_OF_BAND) && outOfBand);
            if (isExecute && !member.getValue().isTextual()) {
                throw QmpException.generic("QMP input member '" + name + "' must be a string");
            }
            if (isExecute && key.isPresent()) {
                throw QmpException.generic("QMP input member '" + name + "' clashes with '" + key.get() + "'");
            }
            if (name.equals("arguments") && !member.getValue().isObject()) {
                throw QmpException.generic("QMP input member 'arguments' must be an object");
            }
            if (!isExecute && !name.equals("arguments") && !name.equals("id")) {
                throw QmpException.generic("QMP input member '" + name + "' is unexpected");
            }
            key = isExecute ? Optional.of(name) : key;
        }
        String executeKey = key.orElseThrow(() -> QmpException.generic("QMP input lacks member 'execute'"));
        ObjectNode arguments = members.get("arguments") instanceof ObjectNode given ? given : JsonText.object();
        String name = Objects.requireNonNull(members.get(executeKey)).textValue();
        return new Request(name, arguments, executeKey.equals(EXECUTE_OUT_OF_BAND));
    }

    private Command find(Request request) throws QmpException {
        if (!negotiated.get()) {
            throw new QmpException(
                    ErrorClass.COMMAND_NOT_FOUND, "Expecting capabilities negotiation with 'qmp_capabilities'");
        }
        Command command = commands.find(request.name())
                .orElseThrow(() -> new QmpException(
                        ErrorClass.COMMAND_NOT_FOUND, "The command " + request.name() + " has not been found"));
        if (request.outOfBand()) {
            throw QmpException.generic("The command " + request.name() + " does not support OOB");
        }
        return command;
    }

    private JsonNode negotiate(ObjectNode arguments) throws QmpException {
        ArgumentCheck.check(arguments, CAPABILITIES_PARAMETERS, "");
        if (negotiated.get()) {
            throw new QmpException(
                    ErrorClass.COMMAND_NOT_FOUND, "Capabilities negotiation is already complete, command ignored");
        }
        outOfBand = !new Arguments(arguments).list("enable").isEmpty();
        negotiated.set(true);
        return JsonText.object();
    }

    private static ObjectNode error(ErrorClass errorClass, String description) {
        ObjectNode reply = JsonText.object();
        reply.putObject("error").put("class", errorClass.qmpName()).put("desc", description);
        return reply;
    }
}
