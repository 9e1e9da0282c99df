package io.varve.cli.handover;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.varve.capture.handover.Chunk;
import io.varve.capture.handover.DriveStage;
import io.varve.capture.handover.Part;
import io.varve.cli.qmp.QmpClient;
import io.varve.core.handover.SourceSide;
import io.varve.core.handover.TargetSide;
import io.varve.core.id.DriveId;
import io.varve.core.id.IncarnationId;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.Base64;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.SortedSet;
import java.util.TreeSet;
import java.util.UUID;

/** A drive of a running agent, by QMP. Thread: its owner's only. */
public final class AgentDrive implements HandoverSource {
    private static final String COMMAND = "x-varve-handover-";

    private final QmpClient agent;
    private final DriveId drive;

    public AgentDrive(QmpClient agent, DriveId drive) {
        this.agent = agent;
        this.drive = drive;
    }

    private DriveStage stage() throws IOException, InterruptedException {
        JsonNode reply = execute("query", arguments());
        SortedSet<Long> missing = new TreeSet<>();
        reply.path("missing").forEach(number -> missing.add(number.asLong()));
        List<IncarnationId> line = new ArrayList<>();
        reply.path("line").forEach(id -> line.add(incarnation(id)));
        return new DriveStage(
                DriveStage.Stage.valueOf(reply.path("state").asText().toUpperCase(Locale.ROOT)),
                Optional.ofNullable(reply.get("handover")).map(AgentDrive::incarnation),
                missing,
                line);
    }

    private static IncarnationId incarnation(JsonNode id) {
        return new IncarnationId(UUID.fromString(id.asText()));
    }

    @Override
    public SourceSide side() throws IOException, InterruptedException {
        return stage().asSource();
    }

    /** As {@link #side}, of a target. */
    public TargetSide targetSide() throws IOException, InterruptedException {
        return stage().asTarget();
    }

    @Override
    public void release(String to) throws IOException, InterruptedException {
        execute("release", arguments().put("to", to));
    }

    @Override
    public Chunk read(IncarnationId handover, Part part, int offsetBytes) throws IOException, InterruptedException {
        JsonNode reply = execute("read", of(handover).put("part", part.name()).put("offset", offsetBytes));
        byte[] data = Base64.getDecoder().decode(reply.path("data").asText());
        return new Chunk(offsetBytes, reply.path("size").asInt(), ByteBuffer.wrap(data));
    }

    /** Gives a target a chunk. */
    public void write(IncarnationId handover, Part part, Chunk chunk) throws IOException, InterruptedException {
        execute(
                "write",
                of(handover)
                        .put("part", part.name())
                        .put("offset", chunk.offsetBytes())
                        .put("size", chunk.sizeBytes())
                        .put("data", Base64.getEncoder().encodeToString(chunk.bytes())));
    }

    /** Has a target attach the drive whose journal it was given, and serve it. */
    public void attach(IncarnationId handover, boolean isCopied, Optional<String> image)
            throws IOException, InterruptedException {
        ObjectNode arguments = of(handover).put("copied", isCopied);
        image.ifPresent(text -> arguments.put("image", text));
        execute("attach", arguments);
    }

    /** Has a target use the bitmaps: all has come. */
    public void complete(IncarnationId handover) throws IOException, InterruptedException {
        execute("complete", of(handover));
    }

    /** Has a target do without what is missing. */
    public void giveUp(IncarnationId handover, String reason) throws IOException, InterruptedException {
        execute("give-up", of(handover).put("reason", reason));
    }

    @Override
    public void forget(IncarnationId handover) throws IOException, InterruptedException {
        execute("forget", of(handover));
    }

    /** Has a source serve the drive again. */
    public void takeBack(IncarnationId handover) throws IOException, InterruptedException {
        execute("take-back", of(handover));
    }

    private JsonNode execute(String step, ObjectNode arguments) throws IOException, InterruptedException {
        return agent.execute(COMMAND + step, arguments);
    }

    private ObjectNode arguments() {
        return JsonNodeFactory.instance.objectNode().put("drive", drive.value());
    }

    private ObjectNode of(IncarnationId handover) {
        return arguments().put("handover", handover.toString());
    }
}
