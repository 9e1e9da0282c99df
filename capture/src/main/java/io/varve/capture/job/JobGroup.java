package io.varve.capture.job;

import io.varve.core.drive.Conclusion;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.IntStream;

/**
 * Jobs to files that succeed or fail together: all of a grouped transaction, or a single one.
 *
 * <p>No image appears before all are stored. One that fails or is cancelled stops all others, and every bitmap keeps
 * its bits. Whatever concerns all goes from the newest job to the oldest, as in QEMU 7.2 (job.c).
 *
 * <p>Pure. Thread: guarded by the lock of {@link Jobs}.
 */
final class JobGroup {
    private final List<JobState> states = new ArrayList<>();
    private final List<JobEffect> effects = new ArrayList<>();
    private boolean aborting;

    JobGroup(int jobs) {
        for (int job = 0; job < jobs; job++) {
            states.add(new JobState.Created());
        }
    }

    JobState state(int job) {
        return states.get(job);
    }

    int size() {
        return states.size();
    }

    /** The transaction was carried out. */
    List<JobEffect> start() {
        for (int job = 0; job < states.size(); job++) {
            effects.add(new JobEffect.Status(job, JobStatus.CREATED));
            move(job, new JobState.Running(), JobStatus.RUNNING);
        }
        return taken();
    }

    /** A job's image is stored, but for its appearance. */
    List<JobEffect> stored(int job) {
        if (states.get(job) instanceof JobState.Running) {
            move(job, new JobState.Waiting(), JobStatus.WAITING);
            if (all(JobState.Waiting.class)) {
                effects.add(new JobEffect.CheckTargets());
            }
        }
        return taken();
    }

    /** Nothing stands in the way of any image; of no effect when a job was stopped meanwhile. */
    List<JobEffect> targetsGood() {
        if (all(JobState.Waiting.class)) {
            newestFirst().forEach(job -> move(job, new JobState.Pending(), JobStatus.PENDING));
            newestFirst().forEach(job -> effects.add(new JobEffect.LetAppear(job)));
        }
        return taken();
    }

    /** A job's image is there. */
    List<JobEffect> appeared(int job) {
        switch (states.get(job)) {
            case JobState.Pending _ -> states.set(job, new JobState.Appeared());
            // Too late to take the image back; its bits stay all the same.
            case JobState.Stopping(Conclusion why) -> abort(job, why);
            default -> throw new IllegalStateException("an image appeared of a job in state " + states.get(job));
        }
        if (all(JobState.Appeared.class)) {
            newestFirst().forEach(each -> end(each, new Conclusion.Written()));
        }
        return taken();
    }

    /** A job's copy ended without an image. */
    List<JobEffect> failed(int job, Conclusion why) {
        abort(job, states.get(job) instanceof JobState.Stopping(Conclusion first) ? first : why);
        return taken();
    }

    /** Stops a job for a reason from without. Does nothing when it's ending already. */
    List<JobEffect> stop(int job, Conclusion why) {
        stopOne(job, why);
        finishAborted();
        return taken();
    }

    private void abort(int job, Conclusion why) {
        move(job, new JobState.Aborting(why), JobStatus.ABORTING);
        if (!aborting) {
            aborting = true;
            newestFirst().filter(other -> other != job).forEach(other -> stopOne(other, new Conclusion.Cancelled()));
        }
        finishAborted();
    }

    private void stopOne(int job, Conclusion why) {
        switch (states.get(job)) {
            case JobState.Created _, JobState.Running _, JobState.Waiting _, JobState.Pending _ -> {
                states.set(job, new JobState.Stopping(why));
                effects.add(new JobEffect.StopCopy(job));
            }
            case JobState.Appeared _ -> {
                move(job, new JobState.Aborting(why), JobStatus.ABORTING);
                if (!aborting) {
                    aborting = true;
                    newestFirst().forEach(other -> stopOne(other, new Conclusion.Cancelled()));
                }
            }
            case JobState.Stopping _, JobState.Aborting _, JobState.Gone _ -> {}
        }
    }

    /** Concludes from the newest on, as far as their copies have ended. */
    private void finishAborted() {
        for (int job = states.size() - 1; aborting && job >= 0; job--) {
            switch (states.get(job)) {
                case JobState.Aborting(Conclusion why) -> end(job, why);
                case JobState.Gone _ -> {}
                default -> {
                    return;
                }
            }
        }
    }

    private void end(int job, Conclusion conclusion) {
        effects.add(new JobEffect.Conclude(job, conclusion));
        effects.add(new JobEffect.Status(job, JobStatus.CONCLUDED));
        move(job, new JobState.Gone(), JobStatus.NULL);
    }

    private void move(int job, JobState state, JobStatus status) {
        states.set(job, state);
        effects.add(new JobEffect.Status(job, status));
    }

    private boolean all(Class<? extends JobState> kind) {
        return states.stream().allMatch(kind::isInstance);
    }

    private java.util.stream.Stream<Integer> newestFirst() {
        return IntStream.iterate(states.size() - 1, job -> job >= 0, job -> job - 1)
                .boxed();
    }

    private List<JobEffect> taken() {
        List<JobEffect> taken = List.copyOf(effects);
        effects.clear();
        return taken;
    }
}
