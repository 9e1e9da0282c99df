package io.varve.capture.qmp;

import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.varve.capture.job.JobListener;
import io.varve.capture.job.JobNews;
import io.varve.core.job.JobError;
import io.varve.core.job.JobEvent;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.List;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Why the latest jobs failed, in whole sentences: QEMU's events have only the operating system's words, and clients
 * compare events.
 *
 * <p>Safe for any thread.
 */
final class FailedJobs implements JobListener {
    private static final Logger LOG = LoggerFactory.getLogger(FailedJobs.class);
    private static final int JOBS_MAX = 64;

    private final Deque<ObjectNode> latest = new ArrayDeque<>();

    @Override
    public synchronized void happened(JobNews news) {
        if (news instanceof JobNews.Told(var job, JobEvent.Completed(var error)) && error.isPresent()) {
            JobError why = error.get();
            LOG.warn("job {} failed: {}", job.id(), why.reason());
            latest.addFirst(JsonText.object()
                    .put("id", job.id())
                    .put("type", job.setup().type().qmpName())
                    .put("error", why.text())
                    .put("reason", why.reason()));
            if (latest.size() > JOBS_MAX) {
                latest.removeLast();
            }
        }
    }

    List<Command> commands() {
        return List.of(Command.of("x-varve-failed-jobs", List.of(), _ -> all()));
    }

    /** The latest first. */
    private synchronized ArrayNode all() {
        ArrayNode jobs = JsonText.object().arrayNode();
        latest.forEach(job -> jobs.add(job.deepCopy()));
        return jobs;
    }
}
