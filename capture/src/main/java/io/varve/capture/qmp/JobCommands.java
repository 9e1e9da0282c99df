package io.varve.capture.qmp;

import static io.varve.capture.qmp.Parameter.optionalFlag;
import static io.varve.capture.qmp.Parameter.required;
import static io.varve.capture.qmp.Parameter.text;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.varve.capture.job.JobInfo;
import io.varve.capture.job.JobName;
import io.varve.capture.job.Jobs;
import io.varve.capture.job.JobsReply;
import io.varve.core.job.JobRequest;
import io.varve.core.job.JobTable;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Function;

/** The commands on jobs: job-* on all, block-job-* on block jobs. */
final class JobCommands {
    private static final String ID = "id";
    private static final String DEVICE = "device";

    private final Jobs jobs;

    JobCommands(Jobs jobs) {
        this.jobs = jobs;
    }

    List<Command> commands() {
        List<Command> commands = new ArrayList<>();
        commands.add(job("pause", new JobRequest.Pause()));
        commands.add(job("resume", new JobRequest.Resume()));
        commands.add(job("cancel", new JobRequest.Cancel(true)));
        commands.add(job("complete", new JobRequest.Complete()));
        commands.add(job("finalize", new JobRequest.Finalize()));
        commands.add(job("dismiss", new JobRequest.Dismiss()));
        commands.add(blockJob("pause", List.of(text(DEVICE)), _ -> new JobRequest.Pause()));
        commands.add(blockJob("resume", List.of(text(DEVICE)), _ -> new JobRequest.Resume()));
        commands.add(blockJob(
                "cancel",
                List.of(text(DEVICE), optionalFlag("force")),
                arguments -> new JobRequest.Cancel(arguments.flag("force", false))));
        commands.add(blockJob("complete", List.of(text(DEVICE)), _ -> new JobRequest.Complete()));
        commands.add(blockJob(
                "set-speed",
                List.of(text(DEVICE), required("speed", new Parameter.Type.Whole())),
                arguments -> new JobRequest.SetSpeed(
                        arguments.optionalNumber("speed").orElseThrow())));
        commands.add(blockJob("finalize", List.of(text(ID)), _ -> new JobRequest.Finalize()));
        commands.add(blockJob("dismiss", List.of(text(ID)), _ -> new JobRequest.Dismiss()));
        commands.add(Command.of("query-block-jobs", List.of(), _ -> blockJobs()));
        commands.add(Command.of("query-jobs", List.of(), _ -> jobs()));
        return commands;
    }

    private Command job(String verb, JobRequest request) {
        return Command.of(
                "job-" + verb,
                List.of(text(ID)),
                arguments -> reply(jobs.ask(new JobName.OfJob(arguments.text(ID)), request)));
    }

    private Command blockJob(String verb, List<Parameter> parameters, Function<Arguments, JobRequest> request) {
        String named = parameters.getFirst().name();
        return Command.of(
                "block-job-" + verb,
                parameters,
                arguments -> reply(jobs.ask(new JobName.OfBlockJob(arguments.text(named)), request.apply(arguments))));
    }

    private static JsonNode reply(JobsReply reply) throws QmpException {
        return switch (reply) {
            case JobsReply.Done _ -> JsonText.object();
            case JobsReply.Missing(JobTable.ErrorClass errorClass, String text) ->
                throw new QmpException(
                        switch (errorClass) {
                            case GENERIC_ERROR -> QmpException.ErrorClass.GENERIC;
                            case DEVICE_NOT_ACTIVE -> QmpException.ErrorClass.DEVICE_NOT_ACTIVE;
                        },
                        text);
            case JobsReply.Refused(String text) -> throw QmpException.generic(text);
        };
    }

    private ArrayNode blockJobs() {
        ArrayNode all = JsonText.object().arrayNode();
        for (JobInfo job : jobs.jobs()) {
            if (job.setup().type().isBlockJob()) {
                describe(job, all.addObject());
            }
        }
        return all;
    }

    private static void describe(JobInfo job, ObjectNode json) {
        json.put("auto-finalize", job.setup().endings().autoFinalize());
        json.put("io-status", job.view().ioStatus().qmpName());
        json.put("device", job.id());
        json.put("auto-dismiss", job.setup().endings().autoDismiss());
        json.put("busy", job.busy());
        json.put("len", job.progress().lengthBytes());
        json.put("offset", job.progress().offsetBytes());
        json.put("status", job.status().qmpName());
        json.put("paused", job.view().paused());
        json.put("speed", job.view().bytesPerSecond());
        json.put("ready", job.status().isReady());
        json.put("type", job.setup().type().qmpName());
        job.view().error().ifPresent(error -> json.put("error", error.text()));
    }

    private ArrayNode jobs() {
        ArrayNode all = JsonText.object().arrayNode();
        for (JobInfo job : jobs.jobs()) {
            ObjectNode json = all.addObject();
            json.put("current-progress", job.progress().offsetBytes());
            json.put("status", job.status().qmpName());
            json.put("total-progress", job.progress().lengthBytes());
            json.put("type", job.setup().type().qmpName());
            json.put("id", job.id());
            job.view().error().ifPresent(error -> json.put("error", error.text()));
        }
        return all;
    }
}
