package io.varve.capture.qmp;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.varve.capture.job.NamedDrive;
import io.varve.capture.node.NodeGraph;
import io.varve.capture.tracking.Agent;
import io.varve.capture.tracking.AgentReconciliations.Answer;
import io.varve.core.bits.Digest;
import io.varve.core.bits.Marks;
import io.varve.core.bits.PackedMarks;
import io.varve.core.drive.Anchor;
import io.varve.core.drive.BackupKey;
import io.varve.core.drive.SyncPointMark;
import io.varve.core.id.SyncPointId;
import java.util.Base64;
import java.util.List;
import java.util.Optional;

/**
 * The commands with which a client makes a bitmap right that can't be trusted. It holds the archive's credentials,
 * which an agent hasn't got, so it compares; the agent gives a point in time, and takes what differs. One reconcile at
 * a time a client, which ends with its connection at the latest.
 *
 * <pre>
 *   x-varve-reconcile            a point in time, as an NBD export, and what is written from then on
 *   x-varve-reconcile-differing  what differs within a part of the drive, as {@link PackedMarks} in base64
 *   x-varve-reconcile-end        the SHA-256 of all that differs, and what it differs from
 *   x-varve-reconcile-cancel     the bitmap stays as it was
 * </pre>
 *
 * <p>Thread: its client's, one after the other.
 */
final class ReconcileCommands implements AutoCloseable {
    private static final String BITMAP = "varve";

    private final Agent agent;
    private final NodeGraph graph;
    private Optional<Open> open = Optional.empty();

    /** The one that runs, and what was told of it. */
    private record Open(SyncPointMark mark, Marks differing) {}

    ReconcileCommands(Agent agent, NodeGraph graph) {
        this.agent = agent;
        this.graph = graph;
    }

    List<Command> commands() {
        List<Parameter> anchor = List.of(
                Parameter.text("sync-point"),
                Parameter.text("chain"),
                Parameter.required("sequence", new Parameter.Type.Uint32()),
                Parameter.text("manifest"),
                Parameter.text("sha256"));
        return List.of(
                Command.of(
                        "x-varve-reconcile",
                        List.of(Parameter.text("device"), Parameter.optionalText("bitmap")),
                        arguments -> begin(arguments.text("device"), arguments.optionalText("bitmap"))),
                Command.of(
                        "x-varve-reconcile-differing",
                        List.of(
                                Parameter.required("offset", new Parameter.Type.Whole()),
                                Parameter.required("length", new Parameter.Type.Whole()),
                                Parameter.text("runs")),
                        this::take),
                Command.of(
                        "x-varve-reconcile-end",
                        List.of(
                                Parameter.text("sha256"),
                                Parameter.optional("anchor", new Parameter.Type.Struct(anchor))),
                        this::end),
                Command.of("x-varve-reconcile-cancel", List.of(), _ -> {
                    close();
                    return JsonText.object();
                }));
    }

    private JsonNode begin(String device, Optional<String> bitmap) throws QmpException {
        if (open.isPresent()) {
            throw QmpException.generic("A reconcile runs already on this connection: end or cancel it");
        }
        return switch (NamedDrive.find(agent, graph, device)) {
            case NamedDrive.Refused(String why) -> throw QmpException.generic(why);
            case NamedDrive.Found(var state) ->
                switch (agent.reconciliations().begin(state.drive(), bitmap.orElse(BITMAP))) {
                    case Answer.Begun begun -> begun(begun);
                    case Answer.Refused(String why) -> throw QmpException.generic(why);
                    case Answer.Finished finished -> throw new IllegalStateException("begun, and not " + finished);
                };
        };
    }

    private JsonNode begun(Answer.Begun begun) {
        SyncPointMark mark = begun.mark();
        open = Optional.of(new Open(mark, Marks.none(begun.granularity(), mark.sizeBytes())));
        ObjectNode reply = JsonText.object();
        reply.put("drive", begun.drive().value())
                .put("point", mark.key().syncPoint().value())
                .put("address", mark.export().address())
                .put("export", mark.export().name())
                .put("size", mark.sizeBytes())
                .put("granularity", begun.granularity().bytes());
        begun.inconsistency().ifPresent(reason -> reply.put("reason", reason));
        return reply;
    }

    private JsonNode take(Arguments arguments) throws QmpException {
        Marks differing = running().differing();
        long offsetBytes = arguments.optionalNumber("offset").orElse(0L);
        long lengthBytes = arguments.optionalNumber("length").orElse(0L);
        boolean isWithin = offsetBytes >= 0
                && offsetBytes % differing.granularity().bytes() == 0
                && lengthBytes > 0
                && lengthBytes <= differing.sizeBytes() - offsetBytes;
        if (!isWithin) {
            throw QmpException.generic("Parameters 'offset' and 'length' are " + offsetBytes + " and " + lengthBytes
                    + "; expected a part of the drive's " + differing.sizeBytes() + " bytes from a multiple of "
                    + differing.granularity().bytes());
        }
        try {
            byte[] runs = Base64.getDecoder().decode(arguments.text("runs"));
            new PackedMarks(differing.granularity(), lengthBytes, runs)
                    .unpack()
                    .forEachExtent((offset, length) -> differing.mark(offsetBytes + offset, length));
        } catch (IllegalArgumentException e) {
            throw QmpException.generic("Parameter 'runs': " + e.getMessage());
        }
        return JsonText.object();
    }

    private JsonNode end(Arguments arguments) throws QmpException {
        Open run = running();
        Marks differing = run.differing();
        if (!differing.digest().hex().equals(arguments.text("sha256"))) {
            throw QmpException.generic(
                    "what differs has the SHA-256 " + differing.digest().hex() + " here; expected "
                            + arguments.text("sha256") + ", as the client says");
        }
        Optional<Anchor> anchor =
                arguments.has("anchor") ? Optional.of(anchor(arguments.struct("anchor"))) : Optional.empty();
        return switch (agent.reconciliations().finish(run.mark().key(), differing, anchor)) {
            case Answer.Finished(long dirtyBytes) -> {
                open = Optional.empty();
                yield JsonText.object().put("dirty-bytes", dirtyBytes);
            }
            case Answer.Refused(String why) -> throw QmpException.generic(why);
            case Answer.Begun begun -> throw new IllegalStateException("finished, and not " + begun);
        };
    }

    private static Anchor anchor(Arguments arguments) throws QmpException {
        try {
            return new Anchor(
                    new SyncPointId(arguments.text("sync-point")),
                    new SyncPointId(arguments.text("chain")),
                    Math.toIntExact(arguments.optionalNumber("sequence").orElse(0L)),
                    arguments.text("manifest"),
                    new Digest(arguments.text("sha256")));
        } catch (IllegalArgumentException | ArithmeticException e) {
            throw QmpException.generic("Parameter 'anchor': " + e.getMessage());
        }
    }

    private Open running() throws QmpException {
        return open.orElseThrow(
                () -> QmpException.generic("No reconcile runs on this connection: begin one with 'x-varve-reconcile'"));
    }

    /** Ends the one that runs, if any: its bitmap stays as it was. */
    @Override
    public void close() {
        Optional<BackupKey> point = open.map(run -> run.mark().key());
        open = Optional.empty();
        point.ifPresent(agent.reconciliations()::cancel);
    }
}
