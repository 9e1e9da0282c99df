package io.varve.capture.qmp;

import static io.varve.capture.qmp.Parameter.optional;
import static io.varve.capture.qmp.Parameter.optionalFlag;
import static io.varve.capture.qmp.Parameter.optionalText;
import static io.varve.capture.qmp.Parameter.text;

import com.fasterxml.jackson.databind.JsonNode;
import io.varve.capture.job.CommitJob;
import io.varve.capture.job.Jobs;
import io.varve.capture.node.CommitOrder;
import io.varve.capture.node.NodeCommits;
import io.varve.capture.node.NodeGraph;
import io.varve.capture.node.NodeRefusedException;
import io.varve.core.job.ErrorPolicy;
import io.varve.core.job.JobSetup;
import io.varve.core.job.JobType;
import java.util.List;
import java.util.Optional;
import java.util.function.LongSupplier;

/** block-commit (QAPI's arguments in 7.2). */
final class CommitCommand {
    private static final String DEVICE = "device";

    private final Jobs jobs;
    private final NodeGraph graph;
    private final LongSupplier nanos;

    /** @param nanos a monotonic clock */
    CommitCommand(Jobs jobs, NodeGraph graph, LongSupplier nanos) {
        this.jobs = jobs;
        this.graph = graph;
        this.nanos = nanos;
    }

    Command command() {
        return Command.of(
                "block-commit",
                List.of(
                        optionalText("job-id"),
                        text(DEVICE),
                        optionalText("base-node"),
                        optionalText("base"),
                        optionalText("top-node"),
                        optionalText("top"),
                        optionalText("backing-file"),
                        optional("speed", new Parameter.Type.Whole()),
                        optional("on-error", new Parameter.Type.Choice(BackupArguments.ON_ERROR)),
                        optionalText("filter-node-name"),
                        optionalFlag("auto-finalize"),
                        optionalFlag("auto-dismiss")),
                this::commit);
    }

    private JsonNode commit(Arguments arguments) throws QmpException {
        String device = arguments.text(DEVICE);
        jobs.settle();
        // Clients tell by this class whether there's such a command.
        if (graph.device(device).isEmpty() && graph.named(device).isEmpty()) {
            throw new QmpException(QmpException.ErrorClass.DEVICE_NOT_FOUND, "Device '" + device + "' not found");
        }
        NodeCommits.Commit commit;
        try {
            commit = graph.commits().begin(order(arguments));
        } catch (NodeRefusedException e) {
            throw QmpException.generic(e.description());
        }
        ErrorPolicy onError = BackupArguments.onError(arguments, "on-error");
        JobSetup setup = new JobSetup(
                arguments.optionalText("job-id").orElse(commit.device()),
                JobType.COMMIT,
                BackupArguments.endings(arguments),
                new JobSetup.ErrorPolicies(onError, onError),
                JobSetup.Settling.HERE);
        Optional<String> objection =
                jobs.run(setup, arguments.optionalNumber("speed").orElse(0L), new CommitJob(commit, nanos));
        if (objection.isPresent()) {
            throw QmpException.generic(objection.get());
        }
        return JsonText.object();
    }

    private static CommitOrder order(Arguments arguments) {
        return new CommitOrder(
                arguments.text(DEVICE),
                arguments.optionalText("base-node"),
                arguments.optionalText("base"),
                arguments.optionalText("top-node"),
                arguments.optionalText("top"),
                arguments.optionalText("backing-file"),
                arguments.optionalText("filter-node-name"));
    }
}
