package io.varve.capture.qmp;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.varve.capture.job.JobInfo;
import io.varve.capture.job.JobStatus;
import io.varve.capture.job.Jobs;
import java.util.List;

/** The commands that tell about drives and jobs. */
final class QueryCommands {
    private final BlockInfo blocks;
    private final Jobs jobs;

    QueryCommands(BlockInfo blocks, Jobs jobs) {
        this.blocks = blocks;
        this.jobs = jobs;
    }

    List<Command> commands() {
        return List.of(
                Command.of("query-block", List.of(), _ -> blocks.blocks()),
                Command.of(
                        "query-named-block-nodes",
                        List.of(Parameter.optionalFlag("flat")),
                        arguments -> blocks.nodes(arguments.flag("flat", false))),
                Command.of("query-block-jobs", List.of(), _ -> blockJobs()),
                Command.of("query-jobs", List.of(), _ -> jobs()),
                Command.of("query-status", List.of(), _ -> status()));
    }

    private ArrayNode blockJobs() {
        ArrayNode all = JsonText.object().arrayNode();
        for (JobInfo job : jobs.jobs()) {
            ObjectNode json = all.addObject();
            json.put("auto-finalize", true);
            json.put("io-status", job.ioStatus());
            json.put("device", job.id());
            json.put("auto-dismiss", true);
            json.put("busy", job.status() != JobStatus.PAUSED);
            json.put("len", job.lengthBytes());
            json.put("offset", job.offsetBytes());
            json.put("status", job.status().qmpName());
            json.put("paused", job.status() == JobStatus.PAUSED);
            json.put("speed", 0);
            json.put("ready", false);
            json.put("type", Events.BACKUP);
        }
        return all;
    }

    private ArrayNode jobs() {
        ArrayNode all = JsonText.object().arrayNode();
        for (JobInfo job : jobs.jobs()) {
            ObjectNode json = all.addObject();
            json.put("current-progress", job.offsetBytes());
            json.put("status", job.status().qmpName());
            json.put("total-progress", job.lengthBytes());
            json.put("type", Events.BACKUP);
            json.put("id", job.id());
        }
        return all;
    }

    /** A guest whose machine isn't this process runs, as far as this process knows. */
    private static JsonNode status() {
        return JsonText.object()
                .put("status", "running")
                .put("singlestep", false)
                .put("running", true);
    }
}
