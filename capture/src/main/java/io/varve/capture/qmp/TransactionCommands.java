package io.varve.capture.qmp;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.varve.capture.job.JobAction;
import io.varve.capture.job.Jobs;
import io.varve.capture.job.JobsAnswer;
import io.varve.core.drive.Completion;
import io.varve.core.transaction.Action;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** The commands that change bitmaps and start jobs, alone or together. */
final class TransactionCommands {
    private static final String BACKUP = "drive-backup";
    private static final String BLOCKDEV_BACKUP = "blockdev-backup";
    private static final String SNAPSHOT = "blockdev-snapshot-sync";
    private static final String OVERLAY = "blockdev-snapshot";
    private static final String ABORT = "abort";

    private final Jobs jobs;

    TransactionCommands(Jobs jobs) {
        this.jobs = jobs;
    }

    List<Command> commands() {
        List<Command> commands = new ArrayList<>();
        BitmapActions.parameters()
                .forEach((name, parameters) -> commands.add(Command.of(
                        name, parameters, arguments -> run(List.of(action(name, arguments)), Completion.INDIVIDUAL))));
        others().forEach((name, parameters) -> commands.add(Command.of(
                name, parameters, arguments -> run(List.of(action(name, arguments)), Completion.INDIVIDUAL))));
        commands.add(Command.of("transaction", transactionParameters(), this::transaction));
        return commands;
    }

    private static Map<String, List<Parameter>> others() {
        Map<String, List<Parameter>> others = new LinkedHashMap<>();
        others.put(BACKUP, BackupArguments.DRIVE);
        others.put(BLOCKDEV_BACKUP, BackupArguments.BLOCKDEV);
        others.put(OVERLAY, List.of(Parameter.text("node"), Parameter.text("overlay")));
        others.put(
                SNAPSHOT,
                List.of(
                        Parameter.optionalText("device"),
                        Parameter.optionalText("node-name"),
                        Parameter.text("snapshot-file"),
                        Parameter.optionalText("snapshot-node-name"),
                        Parameter.optionalText("format"),
                        Parameter.optional("mode", Parameter.choice("existing", "absolute-paths"))));
        return others;
    }

    private static List<Parameter> transactionParameters() {
        Map<String, List<Parameter>> branches = new LinkedHashMap<>(BitmapActions.parameters());
        branches.putAll(others());
        branches.put(ABORT, List.of());
        return List.of(
                Parameter.required("actions", new Parameter.Type.ListOf(new Parameter.Type.Tagged(branches))),
                Parameter.optional(
                        "properties",
                        new Parameter.Type.Struct(List.of(
                                Parameter.optional("completion-mode", Parameter.choice("individual", "grouped"))))));
    }

    private JsonNode transaction(Arguments arguments) throws QmpException {
        List<JobAction> actions = new ArrayList<>();
        for (JsonNode element : arguments.list("actions")) {
            Arguments action = new Arguments((ObjectNode) element);
            actions.add(action(action.text("type"), action.struct("data")));
        }
        boolean isGrouped = arguments.has("properties")
                && arguments
                        .struct("properties")
                        .optionalText("completion-mode")
                        .filter("grouped"::equals)
                        .isPresent();
        return run(actions, isGrouped ? Completion.GROUPED : Completion.INDIVIDUAL);
    }

    private JobAction action(String type, Arguments data) throws QmpException {
        return switch (type) {
            case BACKUP -> BackupArguments.action(data);
            case BLOCKDEV_BACKUP -> BackupArguments.toNode(data);
            case SNAPSHOT -> snapshot(data);
            case OVERLAY -> new JobAction.Overlay(data.text("node"), data.text("overlay"));
            case ABORT -> new JobAction.Plain(new Action.Abort());
            default -> new JobAction.Plain(BitmapActions.action(type, data));
        };
    }

    private static JobAction snapshot(Arguments data) {
        boolean isExisting =
                data.optionalText("mode").filter("existing"::equals).isPresent();
        return new JobAction.Snapshot(
                data.optionalText("device"),
                data.optionalText("node-name"),
                data.text("snapshot-file"),
                data.optionalText("snapshot-node-name"),
                data.optionalText("format").orElse("qcow2"),
                isExisting ? JobAction.Mode.EXISTING : JobAction.Mode.ABSOLUTE_PATHS);
    }

    private JsonNode run(List<JobAction> actions, Completion completion) throws QmpException {
        return switch (jobs.transact(actions, completion)) {
            case JobsAnswer.Done _ -> JsonText.object();
            case JobsAnswer.Refused(String description) -> throw QmpException.generic(description);
        };
    }
}
