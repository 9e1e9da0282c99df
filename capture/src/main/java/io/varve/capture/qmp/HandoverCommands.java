package io.varve.capture.qmp;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.varve.capture.handover.Chunk;
import io.varve.capture.handover.DriveStage;
import io.varve.capture.handover.HandoverDesk;
import io.varve.capture.handover.Part;
import io.varve.capture.tracking.HandedImage;
import io.varve.core.id.DriveId;
import io.varve.core.id.IncarnationId;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.Base64;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.UUID;

/**
 * The commands by which a drive goes from one agent to another. {@code varve handover} gives them; each answers where
 * the agent is with the drive, and may be repeated.
 */
final class HandoverCommands {
    private static final String NAME = "x-varve-handover-";
    private static final Parameter.Type INT = new Parameter.Type.Int32();

    private final HandoverDesk desk;

    HandoverCommands(HandoverDesk desk) {
        this.desk = desk;
    }

    /** What a command does with a drive. */
    private interface Body {
        DriveStage run(Arguments arguments) throws IOException, QmpException;
    }

    List<Command> commands() {
        return List.of(
                command("query", List.of(), arguments -> desk.stage(drive(arguments))),
                command(
                        "release",
                        List.of(Parameter.text("to")),
                        arguments -> desk.release(drive(arguments), arguments.text("to"))),
                Command.of(
                        NAME + "read",
                        parameters(List.of(
                                Parameter.text("handover"), Parameter.text("part"), Parameter.required("offset", INT))),
                        this::read),
                command(
                        "write",
                        List.of(
                                Parameter.text("handover"),
                                Parameter.text("part"),
                                Parameter.required("offset", INT),
                                Parameter.required("size", INT),
                                Parameter.text("data")),
                        this::write),
                command(
                        "attach",
                        List.of(
                                Parameter.text("handover"),
                                Parameter.optionalFlag("copied"),
                                Parameter.optionalText("image")),
                        this::attach),
                ofHandover("complete", desk::complete),
                command(
                        "give-up",
                        List.of(Parameter.text("handover"), Parameter.text("reason")),
                        arguments -> desk.giveUp(subject(arguments), arguments.text("reason"))),
                ofHandover("forget", desk::forget),
                ofHandover("take-back", desk::takeBack));
    }

    /** What a command does with a hand-over. */
    private interface Step {
        DriveStage of(HandoverDesk.Subject subject) throws IOException;
    }

    private static Command ofHandover(String name, Step step) {
        return command(name, List.of(Parameter.text("handover")), arguments -> step.of(subject(arguments)));
    }

    private static List<Parameter> parameters(List<Parameter> own) {
        List<Parameter> all = new ArrayList<>(List.of(Parameter.text("drive")));
        all.addAll(own);
        return all;
    }

    private static Command command(String name, List<Parameter> own, Body body) {
        return Command.of(NAME + name, parameters(own), arguments -> {
            try {
                return described(body.run(arguments));
            } catch (IOException e) {
                throw QmpException.generic(String.valueOf(e.getMessage()));
            }
        });
    }

    private JsonNode read(Arguments arguments) throws QmpException {
        HandoverDesk.Subject subject = subject(arguments);
        Part part = part(arguments);
        try {
            Chunk chunk = desk.give(subject, part, number(arguments, "offset"));
            return JsonText.object()
                    .put("size", chunk.sizeBytes())
                    .put("data", Base64.getEncoder().encodeToString(chunk.bytes()));
        } catch (IOException e) {
            throw QmpException.generic(String.valueOf(e.getMessage()));
        }
    }

    private DriveStage write(Arguments arguments) throws IOException, QmpException {
        HandoverDesk.Subject subject = subject(arguments);
        byte[] data;
        try {
            data = Base64.getDecoder().decode(arguments.text("data"));
        } catch (IllegalArgumentException e) {
            throw QmpException.generic("'data' isn't base64: " + e.getMessage());
        }
        Chunk chunk = new Chunk(number(arguments, "offset"), number(arguments, "size"), ByteBuffer.wrap(data));
        desk.take(subject, part(arguments), chunk);
        return desk.stage(subject.drive());
    }

    private DriveStage attach(Arguments arguments) throws IOException, QmpException {
        return desk.attach(
                subject(arguments),
                arguments.flag("copied", false) ? HandedImage.COPIED : HandedImage.SHARED,
                arguments.optionalText("image"));
    }

    private static int number(Arguments arguments, String name) throws QmpException {
        long number = arguments.optionalNumber(name).orElse(0L);
        if (number < 0) {
            throw QmpException.generic("'" + name + "' is " + number + "; expected 0 or more");
        }
        return Math.toIntExact(number);
    }

    private static Part part(Arguments arguments) throws QmpException {
        try {
            return Part.named(arguments.text("part"));
        } catch (IllegalArgumentException e) {
            throw QmpException.generic(String.valueOf(e.getMessage()));
        }
    }

    private static DriveId drive(Arguments arguments) throws QmpException {
        String name = arguments.text("drive");
        if (!DriveId.isValid(name)) {
            throw QmpException.generic("Cannot find device='" + name + "' nor node-name='" + name + "'");
        }
        return new DriveId(name);
    }

    private static HandoverDesk.Subject subject(Arguments arguments) throws QmpException {
        String handover = arguments.text("handover");
        try {
            return new HandoverDesk.Subject(drive(arguments), new IncarnationId(UUID.fromString(handover)));
        } catch (IllegalArgumentException e) {
            throw QmpException.generic(
                    "'" + handover + "' names no hand-over; expected a UUID, as " + NAME + "query tells it");
        }
    }

    private static JsonNode described(DriveStage stage) {
        ObjectNode json = JsonText.object().put("state", stage.stage().name().toLowerCase(Locale.ROOT));
        Optional.of(stage).flatMap(DriveStage::handover).ifPresent(id -> json.put("handover", id.toString()));
        ArrayNode missing = json.putArray("missing");
        stage.missing().forEach(missing::add);
        ArrayNode line = json.putArray("line");
        stage.line().forEach(incarnation -> line.add(incarnation.toString()));
        return json;
    }
}
