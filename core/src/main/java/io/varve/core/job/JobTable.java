package io.varve.core.job;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.Function;

/**
 * The jobs that aren't gone, by id.
 *
 * <p>Thread: the caller's, one at a time.
 *
 * @param <J> what a shell keeps of a job
 */
public final class JobTable<J> {
    private final Map<String, J> jobs = new LinkedHashMap<>();
    private final Function<J, JobType> typeOf;

    public JobTable(Function<J, JobType> typeOf) {
        this.typeOf = typeOf;
    }

    /** What a lookup found. */
    public sealed interface Lookup<J> {
        record Found<J>(J job) implements Lookup<J> {}

        /** In QEMU's words. */
        record Missing<J>(ErrorClass errorClass, String text) implements Lookup<J> {}
    }

    /** QMP's class of the error. */
    public enum ErrorClass {
        GENERIC_ERROR,
        DEVICE_NOT_ACTIVE
    }

    /** Takes an id that {@link JobIds} doesn't object to. */
    public void add(String id, J job) {
        if (jobs.putIfAbsent(id, job) != null) {
            throw new IllegalArgumentException("job '" + id + "' is there already");
        }
    }

    /** Frees an id. */
    public void remove(String id) {
        jobs.remove(id);
    }

    public boolean has(String id) {
        return jobs.containsKey(id);
    }

    /** As the job-* commands look a job up. */
    public Lookup<J> job(String id) {
        return found(
                Optional.ofNullable(jobs.get(id)), new Lookup.Missing<>(ErrorClass.GENERIC_ERROR, "Job not found"));
    }

    /** As the block-job-* commands look a job up. */
    public Lookup<J> blockJob(String id) {
        return found(
                Optional.ofNullable(jobs.get(id))
                        .filter(job -> typeOf.apply(job).isBlockJob()),
                new Lookup.Missing<>(ErrorClass.DEVICE_NOT_ACTIVE, "Block job '" + id + "' not found"));
    }

    /** As the queries list them. */
    public List<J> newestFirst() {
        return new ArrayList<>(jobs.values()).reversed();
    }

    private Lookup<J> found(Optional<J> job, Lookup.Missing<J> missing) {
        return job.<Lookup<J>>map(Lookup.Found::new).orElse(missing);
    }
}
