package io.varve.capture.qmp;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.varve.capture.job.JobEvent;
import io.varve.capture.job.JobInfo;
import io.varve.capture.job.OnError;
import java.time.Instant;
import java.time.InstantSource;
import java.util.concurrent.TimeUnit;

/** QMP's events, in 7.2's shapes. */
final class Events {
    static final String BACKUP = "backup";

    private static final String INPUT_OUTPUT_ERROR = "Input/output error";
    private static final String NO_SPACE = "No space left on device";

    private final InstantSource clock;

    Events(InstantSource clock) {
        this.clock = clock;
    }

    JsonNode of(JobEvent event) {
        return switch (event) {
            case JobEvent.StatusChanged(JobInfo job) ->
                event(
                        "JOB_STATUS_CHANGE",
                        JsonText.object().put("status", job.status().qmpName()).put("id", job.id()));
            case JobEvent.ErrorMet(JobInfo job, JobEvent.Operation operation, OnError.Action action) ->
                event(
                        "BLOCK_JOB_ERROR",
                        JsonText.object()
                                .put("device", job.id())
                                .put("operation", operation == JobEvent.Operation.READ ? "read" : "write")
                                .put("action", action.qmpName()));
            case JobEvent.Completed(JobInfo job) -> event("BLOCK_JOB_COMPLETED", ended(job));
            case JobEvent.Cancelled(JobInfo job) -> event("BLOCK_JOB_CANCELLED", ended(job));
            case JobEvent.Failed(JobInfo job, String reason) ->
                event(
                        "BLOCK_JOB_COMPLETED",
                        ended(job)
                                .put("error", reason.contains(NO_SPACE) ? NO_SPACE : INPUT_OUTPUT_ERROR)
                                .put("x-varve-reason", reason));
        };
    }

    /** A block export went. */
    JsonNode exportDeleted(String id) {
        return event("BLOCK_EXPORT_DELETED", JsonText.object().put("id", id));
    }

    /** The agent was told to end. */
    JsonNode shutdown() {
        return event("SHUTDOWN", JsonText.object().put("guest", false).put("reason", "host-qmp-quit"));
    }

    private static ObjectNode ended(JobInfo job) {
        return JsonText.object()
                .put("device", job.id())
                .put("len", job.lengthBytes())
                .put("offset", job.offsetBytes())
                .put("speed", 0)
                .put("type", BACKUP);
    }

    private JsonNode event(String name, ObjectNode data) {
        Instant now = clock.instant();
        ObjectNode event = JsonText.object();
        event.putObject("timestamp")
                .put("seconds", now.getEpochSecond())
                .put("microseconds", TimeUnit.NANOSECONDS.toMicros(now.getNano()));
        event.put("event", name);
        event.set("data", data);
        return event;
    }
}
