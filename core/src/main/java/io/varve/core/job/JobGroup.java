package io.varve.core.job;

import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/**
 * Jobs that succeed or fail together: all of a grouped transaction, or a single one.
 *
 * <p>No target appears before the work of all is done. One that fails or is cancelled stops all others, and every
 * bitmap keeps its bits. Whatever concerns all goes from the newest job to the oldest, as in QEMU 7.2, but for their
 * start. Answers that come late, or twice, have no effect.
 *
 * <p>What an effect gives rise to at once, such as the answer to {@link JobEffect.CheckTargets}, is handed in after all
 * effects before it were performed: a shell keeps a queue.
 *
 * <p>Pure. Thread: the caller's, one at a time.
 */
public final class JobGroup {
    private final List<Job> jobs = new ArrayList<>();
    private final List<JobEffect> effects = new ArrayList<>();
    private final GroupEnd end = new GroupEnd(jobs, effects);
    private int drains;

    /** Takes what happened; the effects are to be performed in order. */
    public List<JobEffect> on(JobInput input) {
        switch (input) {
            case JobInput.Created(JobSetup setup) -> created(setup);
            case JobInput.CreationFailed(int job) -> jobs.get(job).move(JobStatus.NULL);
            case JobInput.RolledBack _ -> rolledBack();
            case JobInput.Started _ -> created().forEach(job -> job.start(drains > 0));
            case JobInput.DrainBegan _ -> drainBegan();
            case JobInput.DrainEnded _ -> drainEnded();
            case JobInput.BecameReady(int job) -> becameReady(jobs.get(job));
            case JobInput.ErrorMet(int job, Operation operation, boolean noSpace) ->
                jobs.get(job).metError(operation, noSpace);
            case JobInput.WorkEnded(int job, Optional<JobError> error) -> workEnded(jobs.get(job), error);
            case JobInput.TargetsChecked(Optional<JobInput.Objection> objection) -> end.targetsChecked(objection);
            case JobInput.Prepared(int job, Optional<JobError> error) -> end.prepared(jobs.get(job), error);
            case JobInput.Concluded(int job, Optional<JobError> error) -> end.concluded(jobs.get(job), error);
            case JobInput.Failed(int job, JobError error) -> failed(jobs.get(job), error);
        }
        return taken();
    }

    /** Asks something of a job that isn't gone. */
    public JobAnswer ask(int index, JobRequest request) {
        Job job = jobs.get(index);
        Optional<String> refusal = refusal(job, request);
        if (refusal.isPresent()) {
            return new JobAnswer.Refused(refusal.get());
        }
        switch (request) {
            case JobRequest.Cancel(boolean force) -> cancel(job, force);
            case JobRequest.Pause _ -> {
                job.pausedByUser(true);
                job.pause();
            }
            case JobRequest.Resume _ -> resume(job);
            case JobRequest.SetSpeed(long bytesPerSecond) -> job.limitSpeed(bytesPerSecond);
            case JobRequest.Complete _ -> job.finishWork(JobEffect.Finish.SWITCH_OVER);
            case JobRequest.Finalize _ -> end.finalizeAll();
            case JobRequest.Dismiss _ -> job.move(JobStatus.NULL);
        }
        return new JobAnswer.Accepted(taken());
    }

    public int size() {
        return jobs.size();
    }

    public JobSetup setup(int job) {
        return jobs.get(job).setup();
    }

    public JobView view(int job) {
        return jobs.get(job).view(drains > 0);
    }

    /** Whether all jobs are gone. */
    public boolean isGone() {
        return jobs.stream().allMatch(job -> job.status() == JobStatus.NULL);
    }

    /** The checks in QEMU's order: some of a verb's own come before that of the state. */
    private static Optional<String> refusal(Job job, JobRequest request) {
        String id = job.setup().id();
        Optional<String> state = request.verb().refusal(id, job.status());
        return switch (request) {
            case JobRequest.Cancel(boolean force)
            when !force && job.isPausedByUser() ->
                Optional.of("The block job for device '" + id + "' is currently paused");
            case JobRequest.Resume _
            when !job.isPausedByUser() -> Optional.of("Can't resume a job that was not paused");
            case JobRequest.Pause _ when job.isPausedByUser() -> state.or(() -> Optional.of("Job is already paused"));
            case JobRequest.SetSpeed(long bytesPerSecond)
            when bytesPerSecond < 0 -> state.or(() -> Optional.of("Parameter 'speed' expects a non-negative value"));
            case JobRequest.Complete _
            when job.isToBeCancelled() || !job.setup().type().endsOnAWord() ->
                state.or(() -> Optional.of("The active block job '" + id + "' cannot be completed"));
            default -> state;
        };
    }

    private void created(JobSetup setup) {
        Job job = new Job(jobs.size(), setup, effects);
        jobs.add(job);
        job.move(JobStatus.CREATED);
    }

    private List<Job> created() {
        return jobs.stream().filter(job -> job.status() == JobStatus.CREATED).toList();
    }

    private void rolledBack() {
        for (Job job : created().reversed()) {
            job.cancel(true);
            job.abort();
            job.end();
        }
    }

    private void drainBegan() {
        drains++;
        jobs.forEach(Job::pause);
    }

    private void drainEnded() {
        drains--;
        if (drains == 0) {
            jobs.stream().filter(job -> !job.isPausedByUser()).forEach(this::goOn);
        }
    }

    private void resume(Job job) {
        job.pausedByUser(false);
        if (drains == 0) {
            goOn(job);
        }
    }

    /** What came while it was paused takes effect now. */
    private void goOn(Job job) {
        if (job.status().isPaused() && !end.isDecided()) {
            job.resume();
            if (job.hasEndedWork()) {
                end.completed(job);
            }
        }
    }

    private void becameReady(Job job) {
        if (job.isAtWork() && !end.isDecided()) {
            job.becameReady();
        }
    }

    private void workEnded(Job job, Optional<JobError> error) {
        if (job.isAtWork()) {
            job.workEnded(error);
            if (!job.status().isPaused() || end.isDecided()) {
                end.completed(job);
            }
        }
    }

    private void failed(Job job, JobError error) {
        if (end.isDecided() || job.status().isOver() || job.isCancelledByForce()) {
            return;
        }
        job.fail(error);
        if (job.status() == JobStatus.CREATED || job.status().isCompleted()) {
            if (job.status().isCompleted()) {
                job.abort();
            }
            end.abort(job);
        } else {
            stop(job);
        }
    }

    private void cancel(Job job, boolean force) {
        if (end.isDecided()) {
            return;
        }
        job.cancel(force);
        boolean isIdle = job.status() == JobStatus.CREATED || job.status().isCompleted();
        if (job.isCancelledByForce() && isIdle) {
            end.abort(job);
        } else if (job.isCancelledByForce()) {
            stop(job);
        } else if (job.isAtWork()) {
            job.finishWork(JobEffect.Finish.LEAVE);
        }
    }

    /** Ends a job's work for good; it's over at once where it hadn't begun, or has ended while paused. */
    private void stop(Job job) {
        job.pausedByUser(false);
        job.leavePause();
        if (job.isAtWork()) {
            job.stop();
        } else {
            end.completed(job);
        }
    }

    private List<JobEffect> taken() {
        List<JobEffect> taken = List.copyOf(effects);
        effects.clear();
        return taken;
    }
}
