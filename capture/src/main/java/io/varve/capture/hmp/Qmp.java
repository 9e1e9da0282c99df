package io.varve.capture.hmp;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.varve.capture.node.NodeRefusedException;
import java.util.Optional;

/** The machine protocol's commands, which most of the human ones are made of. */
@FunctionalInterface
public interface Qmp {
    /**
     * Carries out a command.
     *
     * @return what it returns; empty when there's no such command
     * @throws NodeRefusedException when it's answered with an error
     */
    Optional<JsonNode> run(String command, ObjectNode arguments) throws NodeRefusedException;
}
