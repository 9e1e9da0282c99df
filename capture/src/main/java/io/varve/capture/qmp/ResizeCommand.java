package io.varve.capture.qmp;

import com.fasterxml.jackson.databind.JsonNode;
import io.varve.capture.tracking.Agent;
import io.varve.capture.tracking.Transacted;
import io.varve.core.id.DriveId;
import java.util.List;
import java.util.Optional;

/** The command {@code block_resize}. */
final class ResizeCommand {
    private final Agent agent;

    ResizeCommand(Agent agent) {
        this.agent = agent;
    }

    Command command() {
        return Command.of(
                "block_resize",
                List.of(
                        Parameter.optionalText("device"),
                        Parameter.optionalText("node-name"),
                        Parameter.required("size", new Parameter.Type.Whole())),
                this::resize);
    }

    private JsonNode resize(Arguments arguments) throws QmpException {
        Optional<String> device = arguments.optionalText("device");
        Optional<String> node = arguments.optionalText("node-name");
        DriveId drive = device.filter(this::isDrive)
                .or(() -> node.filter(this::isDrive))
                .map(DriveId::new)
                .orElseThrow(() -> QmpException.generic(
                        "Cannot find device='" + device.orElse("") + "' nor node-name='" + node.orElse("") + "'"));
        long sizeBytes = arguments.optionalNumber("size").orElseThrow();
        return switch (agent.resize(drive, sizeBytes)) {
            case Transacted.Done _ -> JsonText.object();
            case Transacted.Refused(String description) -> throw QmpException.generic(description);
        };
    }

    private boolean isDrive(String name) {
        return DriveId.isValid(name) && agent.states().containsKey(new DriveId(name));
    }
}
