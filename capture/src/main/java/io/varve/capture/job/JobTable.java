package io.varve.capture.job;

import io.varve.core.drive.Conclusion;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.function.Predicate;

/** The jobs that run, by id, and who hears of them. Thread: guarded by the lock of {@link Jobs}. */
final class JobTable {
    private final Map<String, BackupJob> jobs = new LinkedHashMap<>();
    private final List<JobListener> listeners = new CopyOnWriteArrayList<>();

    void listen(JobListener listener) {
        listeners.add(listener);
    }

    void add(BackupJob job) {
        jobs.put(job.id(), job);
    }

    Optional<BackupJob> find(String id) {
        return Optional.ofNullable(jobs.get(id));
    }

    Optional<BackupJob> find(Predicate<BackupJob> wanted) {
        return jobs.values().stream().filter(wanted).findFirst();
    }

    List<BackupJob> oldestFirst() {
        return new ArrayList<>(jobs.values());
    }

    void status(BackupJob job, JobStatus status) {
        job.status(status);
        if (status == JobStatus.NULL) {
            jobs.remove(job.id());
            job.gone();
        }
        tell(new JobEvent.StatusChanged(job.info()));
    }

    /** Tells how a job ended. */
    void ended(BackupJob job, Conclusion conclusion) {
        switch (conclusion) {
            case Conclusion.Committed _, Conclusion.Written _ -> {
                job.finished();
                tell(new JobEvent.Completed(job.info()));
            }
            case Conclusion.Aborted(String reason) -> tell(new JobEvent.Failed(job.info(), reason));
            case Conclusion.Failed(String reason) -> tell(new JobEvent.Failed(job.info(), reason));
            case Conclusion.Cancelled _ -> tell(new JobEvent.Cancelled(job.info()));
        }
    }

    void tell(JobEvent event) {
        listeners.forEach(listener -> listener.happened(event));
    }
}
