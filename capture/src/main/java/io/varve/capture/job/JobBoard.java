package io.varve.capture.job;

import io.varve.core.job.JobInput;
import io.varve.core.job.JobTable;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;

/**
 * All jobs that aren't gone, by id and by group, and who hears of them. Thread: guarded by the lock of {@link Jobs}.
 */
final class JobBoard {
    private final JobTable<JobRun> table = new JobTable<>(run -> run.setup().type());
    private final List<GroupRun> groups = new ArrayList<>();
    private final List<JobListener> listeners = new CopyOnWriteArrayList<>();

    void listen(JobListener listener) {
        listeners.add(listener);
    }

    JobTable<JobRun> table() {
        return table;
    }

    void add(GroupRun group) {
        groups.removeIf(GroupRun::isGone);
        groups.add(group);
    }

    void remove(GroupRun group) {
        groups.remove(group);
    }

    /** Holds all that runs for an instant, as QEMU's transactions do, and starts what {@code begun} have created. */
    void start(List<GroupRun> begun) {
        List<GroupRun> all = List.copyOf(groups);
        all.forEach(group -> group.on(new JobInput.DrainBegan()));
        begun.forEach(group -> group.on(new JobInput.Started()));
        all.forEach(group -> group.on(new JobInput.DrainEnded()));
    }

    void tell(JobNews news) {
        listeners.forEach(listener -> listener.happened(news));
    }
}
