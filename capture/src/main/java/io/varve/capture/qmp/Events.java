package io.varve.capture.qmp;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.varve.capture.job.JobInfo;
import io.varve.capture.job.JobNews;
import io.varve.core.job.ErrorAction;
import io.varve.core.job.JobError;
import io.varve.core.job.JobEvent;
import io.varve.core.job.JobSetup;
import io.varve.core.job.JobStatus;
import io.varve.core.job.Operation;
import java.time.Instant;
import java.time.InstantSource;
import java.util.Optional;
import java.util.concurrent.TimeUnit;

/** QMP's events, in 7.2's shapes. */
final class Events {
    private final InstantSource clock;

    Events(InstantSource clock) {
        this.clock = clock;
    }

    JsonNode of(JobNews news) {
        return switch (news) {
            case JobNews.StatusChanged(JobInfo job, JobStatus status) ->
                event(
                        "JOB_STATUS_CHANGE",
                        JsonText.object().put("status", status.qmpName()).put("id", job.id()));
            case JobNews.Told(JobInfo job, JobEvent event) -> of(job, event);
        };
    }

    private JsonNode of(JobInfo job, JobEvent event) {
        return switch (event) {
            case JobEvent.ErrorMet(Operation operation, ErrorAction action) ->
                event(
                        "BLOCK_JOB_ERROR",
                        JsonText.object()
                                .put("device", job.id())
                                .put("operation", operation.qmpName())
                                .put("action", action.qmpName()));
            case JobEvent.Ready _ -> event("BLOCK_JOB_READY", progress(job));
            case JobEvent.Pending _ ->
                event(
                        "BLOCK_JOB_PENDING",
                        JsonText.object()
                                .put("type", job.setup().type().qmpName())
                                .put("id", job.id()));
            case JobEvent.Cancelled _ -> event("BLOCK_JOB_CANCELLED", progress(job));
            case JobEvent.Completed(Optional<JobError> error) -> {
                ObjectNode data = progress(job);
                error.ifPresent(why -> data.put("error", why.text()));
                if (job.setup().settling() == JobSetup.Settling.ELSEWHERE) {
                    // QEMU has no backups to the archive, so this is no change of its events.
                    error.ifPresent(why -> data.put("x-varve-reason", why.reason()));
                }
                yield event("BLOCK_JOB_COMPLETED", data);
            }
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

    private static ObjectNode progress(JobInfo job) {
        return JsonText.object()
                .put("device", job.id())
                .put("len", job.progress().lengthBytes())
                .put("offset", job.progress().offsetBytes())
                .put("speed", job.view().bytesPerSecond())
                .put("type", job.setup().type().qmpName());
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
