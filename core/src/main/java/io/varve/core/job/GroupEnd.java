package io.varve.core.job;

import java.util.List;
import java.util.Optional;

/**
 * How the jobs of a group end: together, and one after the other from the newest to the oldest, as in QEMU 7.2.
 *
 * <pre>
 * COPYING    --all wait-->                              PENDING
 * PENDING    --the word to finalize, or none needed-->  CHECKING
 * CHECKING   --no target has an objection-->            PREPARING
 * PREPARING  --all targets are there-->                 CONCLUDING
 * COPYING to PREPARING  --one fails or is cancelled-->  ABORTING
 * </pre>
 *
 * In CONCLUDING and in ABORTING the newest job that isn't concluded yet has its turn, as soon as nothing of it is under
 * way.
 */
final class GroupEnd {
    private final List<Job> jobs;
    private final List<JobEffect> effects;
    private Phase phase = Phase.COPYING;
    private Optional<Job> concluding = Optional.empty();

    private enum Phase {
        COPYING,
        PENDING,
        CHECKING,
        PREPARING,
        CONCLUDING,
        ABORTING
    }

    GroupEnd(List<Job> jobs, List<JobEffect> effects) {
        this.jobs = jobs;
        this.effects = effects;
    }

    /** Whether the outcome of all stands: nothing stops a job's success, or its failure, any more. */
    boolean isDecided() {
        return phase == Phase.CONCLUDING || phase == Phase.ABORTING;
    }

    /** A job's work ended. */
    void completed(Job job) {
        if (phase == Phase.ABORTING) {
            job.stop();
            takeTurns();
        } else if (job.isFailing()) {
            job.abort();
            abort(job);
        } else {
            job.move(JobStatus.WAITING);
            if (living().stream().allMatch(each -> each.status() == JobStatus.WAITING)) {
                goPending();
            }
        }
    }

    private void goPending() {
        phase = Phase.PENDING;
        for (Job job : living()) {
            job.move(JobStatus.PENDING);
            if (!job.setup().endings().autoFinalize()) {
                job.tell(new JobEvent.Pending());
            }
        }
        if (living().stream().allMatch(job -> job.setup().endings().autoFinalize())) {
            finalizeAll();
        }
    }

    /** Has no effect when it's under way already. */
    void finalizeAll() {
        if (phase != Phase.PENDING) {
            return;
        }
        phase = Phase.CHECKING;
        if (living().stream().anyMatch(Job::settlesHere)) {
            effects.add(new JobEffect.CheckTargets());
        } else {
            targetsChecked(Optional.empty());
        }
    }

    void targetsChecked(Optional<JobInput.Objection> objection) {
        if (phase != Phase.CHECKING) {
            return;
        }
        if (objection.isPresent()) {
            Job job = jobs.get(objection.get().job());
            job.fail(objection.get().error());
            job.abort();
            abort(job);
            return;
        }
        phase = Phase.PREPARING;
        living().forEach(Job::prepare);
        concludeWhenAllArePrepared();
    }

    void prepared(Job job, Optional<JobError> failure) {
        if (!job.isPreparing()) {
            return;
        }
        job.prepared(failure);
        if (phase == Phase.ABORTING) {
            takeTurns();
        } else if (failure.isPresent()) {
            job.abort();
            abort(job);
        } else {
            concludeWhenAllArePrepared();
        }
    }

    private void concludeWhenAllArePrepared() {
        if (living().stream().allMatch(Job::isPrepared)) {
            phase = Phase.CONCLUDING;
            takeTurns();
        }
    }

    /** Ends all because of one, which has failed or is cancelled; of no effect once the outcome stands. */
    void abort(Job because) {
        if (isDecided()) {
            return;
        }
        phase = Phase.ABORTING;
        for (Job job : living()) {
            if (job != because) {
                job.cancel(true);
            }
            job.stop();
        }
        takeTurns();
    }

    private void takeTurns() {
        while (concluding.isEmpty()) {
            Optional<Job> next = living().stream().findFirst();
            if (next.isEmpty() || next.get().isAtWork() || next.get().isPreparing()) {
                return;
            }
            settle(next.get());
        }
    }

    private void settle(Job job) {
        if (phase == Phase.ABORTING) {
            job.abort();
        }
        if (job.settlesHere()) {
            concluding = Optional.of(job);
            job.conclude();
        } else {
            job.end();
        }
    }

    /** A conclusion was written down, or couldn't be. */
    void concluded(Job job, Optional<JobError> failure) {
        if (concluding.isEmpty() || concluding.get() != job) {
            return;
        }
        concluding = Optional.empty();
        failure.ifPresent(job::conclusionFailed);
        job.end();
        takeTurns();
    }

    /** The newest first. */
    private List<Job> living() {
        return jobs.reversed().stream().filter(job -> !job.status().isOver()).toList();
    }
}
