package io.varve.capture.qmp;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.varve.capture.job.ArchiveBackups;
import io.varve.capture.job.ArchiveBackups.Wanted;
import io.varve.capture.job.BackupProgress;
import io.varve.capture.job.Jobs;
import io.varve.core.drive.Completion;
import io.varve.core.id.SyncPointId;
import java.util.List;
import java.util.Optional;

/** The commands that QEMU hasn't got: backups to the archive, and how they went. */
final class VarveCommands {
    private static final String BITMAP = "varve";

    private final Jobs jobs;
    private final ArchiveBackups backups;

    VarveCommands(Jobs jobs, ArchiveBackups backups) {
        this.jobs = jobs;
        this.backups = backups;
    }

    List<Command> commands() {
        return List.of(
                Command.of(
                        "x-varve-backup",
                        List.of(
                                Parameter.optional("drives", new Parameter.Type.ListOf(new Parameter.Type.Text())),
                                Parameter.optionalText("bitmap"),
                                Parameter.optionalFlag("full"),
                                Parameter.optionalFlag("grouped"),
                                Parameter.optionalFlag("incremental")),
                        this::backup),
                Command.of(
                        "x-varve-backup-status",
                        List.of(Parameter.text("sync-point")),
                        arguments -> status(arguments.text("sync-point"))));
    }

    private JsonNode backup(Arguments arguments) throws QmpException {
        ArchiveBackups.Request request = new ArchiveBackups.Request(
                arguments.list("drives").stream().map(JsonNode::textValue).toList(),
                arguments.optionalText("bitmap").orElse(BITMAP),
                wanted(arguments.flag("full", false), arguments.flag("incremental", false)),
                arguments.flag("grouped", false) ? Completion.GROUPED : Completion.INDIVIDUAL);
        return switch (backups.start(request)) {
            case ArchiveBackups.Answer.Refused(String description) -> throw QmpException.generic(description);
            case ArchiveBackups.Answer.Started(SyncPointId syncPoint, List<ArchiveBackups.Part> parts) -> {
                ObjectNode started = JsonText.object().put("sync-point", syncPoint.value());
                ArrayNode list = started.putArray("jobs");
                parts.forEach(part -> describe(part, list.addObject()));
                yield started;
            }
        };
    }

    private static Wanted wanted(boolean full, boolean incremental) throws QmpException {
        if (full && incremental) {
            throw QmpException.generic("Parameters 'full' and 'incremental' are mutually exclusive");
        }
        return full ? Wanted.FULL : incremental ? Wanted.INCREMENT : Wanted.ANY;
    }

    private static void describe(ArchiveBackups.Part part, ObjectNode json) {
        json.put("device", part.drive().value());
        json.put("job-id", part.jobId());
        json.put("sync", part.sync().qmpName());
        part.fullBecause()
                .ifPresent(because -> json.put("reason", because.reason())
                        .put("cause", because.cause().label()));
    }

    private JsonNode status(String syncPoint) throws QmpException {
        Optional<List<BackupProgress>> known =
                SyncPointId.isValid(syncPoint) ? jobs.progressOf(new SyncPointId(syncPoint)) : Optional.empty();
        List<BackupProgress> drives = known.orElseThrow(() -> QmpException.generic("Sync point '" + syncPoint
                + "' is none of the latest ones that this agent has begun since its start: ask the archive"));
        ObjectNode status = JsonText.object();
        ArrayNode list = status.putArray("drives");
        for (BackupProgress drive : drives) {
            ObjectNode json = list.addObject();
            json.put("device", drive.drive().value());
            json.put("state", drive.state().label());
            drive.reason().ifPresent(reason -> json.put("reason", reason));
            json.put("copied-bytes", drive.copiedBytes());
            json.put("total-bytes", drive.totalBytes());
        }
        return status;
    }
}
