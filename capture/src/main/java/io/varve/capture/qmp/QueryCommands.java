package io.varve.capture.qmp;

import com.fasterxml.jackson.databind.JsonNode;
import java.util.List;

/** The commands that tell about drives. */
final class QueryCommands {
    private final BlockInfo blocks;

    QueryCommands(BlockInfo blocks) {
        this.blocks = blocks;
    }

    List<Command> commands() {
        return List.of(
                Command.of("query-block", List.of(), _ -> blocks.blocks()),
                Command.of(
                        "query-named-block-nodes",
                        List.of(Parameter.optionalFlag("flat")),
                        arguments -> blocks.nodes(arguments.flag("flat", false))),
                Command.of("query-status", List.of(), _ -> status()));
    }

    /** A guest whose machine isn't this process runs, as far as this process knows. */
    private static JsonNode status() {
        return JsonText.object()
                .put("status", "running")
                .put("singlestep", false)
                .put("running", true);
    }
}
