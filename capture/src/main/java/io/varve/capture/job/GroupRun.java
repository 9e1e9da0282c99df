package io.varve.capture.job;

import io.varve.core.drive.Conclusion;
import io.varve.core.job.ErrorAction;
import io.varve.core.job.JobAnswer;
import io.varve.core.job.JobEffect;
import io.varve.core.job.JobError;
import io.varve.core.job.JobEvent;
import io.varve.core.job.JobGroup;
import io.varve.core.job.JobInput;
import io.varve.core.job.JobRequest;
import io.varve.core.job.JobSetup;
import io.varve.core.job.JobStatus;
import io.varve.core.job.Operation;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;
import java.util.Optional;

/**
 * Jobs that succeed or fail together, as {@link JobGroup} has it: its effects are performed here, in order. What they
 * give rise to at once is handed in after them.
 *
 * <p>Thread: guarded by the lock of {@link Jobs}.
 */
final class GroupRun {
    private final JobGroup group = new JobGroup();
    private final List<JobRun> jobs = new ArrayList<>();
    private final Deque<JobInput> queue = new ArrayDeque<>();
    private final JobBoard board;
    private final JobsThread thread;
    private boolean performing;

    GroupRun(JobBoard board, JobsThread thread) {
        this.board = board;
        this.thread = thread;
        board.add(this);
    }

    /** Takes the id, which nobody may have, and tells of the job. */
    JobRun create(JobSetup setup, Work work) {
        JobRun job = new JobRun(this, jobs.size(), work);
        jobs.add(job);
        queue.add(new JobInput.Created(setup));
        drainQueue();
        board.table().add(setup.id(), job);
        return job;
    }

    JobSetup setup(int job) {
        return group.setup(job);
    }

    JobInfo info(int job) {
        Work work = jobs.get(job).work();
        JobStatus status = group.view(job).status();
        boolean runs = status == JobStatus.RUNNING || status == JobStatus.READY;
        return new JobInfo(group.setup(job), group.view(job), work.progress(), runs && work.isBusy());
    }

    boolean isGone() {
        return group.isGone();
    }

    void on(JobInput input) {
        queue.add(input);
        drainQueue();
    }

    /** Performs what is asked for before it returns the refusal, if there's one. */
    Optional<String> ask(int job, JobRequest request) {
        return switch (group.ask(job, request)) {
            case JobAnswer.Refused(String text) -> Optional.of(text);
            case JobAnswer.Accepted(List<JobEffect> effects) -> {
                performing = true;
                try {
                    effects.forEach(this::perform);
                } finally {
                    performing = false;
                }
                drainQueue();
                yield Optional.empty();
            }
        };
    }

    private void drainQueue() {
        if (performing) {
            return;
        }
        performing = true;
        try {
            while (!queue.isEmpty()) {
                group.on(queue.remove()).forEach(this::perform);
            }
        } finally {
            performing = false;
        }
        if (group.isGone()) {
            board.remove(this);
        }
    }

    private void perform(JobEffect effect) {
        switch (effect) {
            case JobEffect.StatusChanged(int job, JobStatus _, JobStatus to) -> {
                if (to.isOver()) {
                    work(job).release();
                }
                board.tell(new JobNews.StatusChanged(info(job), to));
            }
            case JobEffect.Tell(int job, JobEvent event) -> board.tell(new JobNews.Told(info(job), event));
            case JobEffect.StartWork(int job) -> work(job).start(port(job));
            case JobEffect.PauseWork(int job) -> work(job).pause();
            case JobEffect.ResumeWork(int job) -> work(job).resume();
            case JobEffect.StopWork(int job) -> work(job).stop();
            case JobEffect.FinishWork(int job, JobEffect.Finish how) ->
                work(job).finish(how);
            case JobEffect.LimitSpeed(int job, long bytesPerSecond) -> work(job).limit(bytesPerSecond);
            case JobEffect.ActOnError(int job, ErrorAction action) -> work(job).act(action);
            case JobEffect.CheckTargets _ -> queue.add(new JobInput.TargetsChecked(objection()));
            case JobEffect.Prepare(int job) -> work(job).prepare();
            case JobEffect.GiveUp(int job) -> work(job).giveUp();
            case JobEffect.Conclude(int job, Conclusion conclusion) ->
                queue.add(new JobInput.Concluded(job, work(job).conclude(conclusion)));
            case JobEffect.Free(int job) -> board.table().remove(setup(job).id());
        }
    }

    /** Targets can't appear all at once, so what can be known is known before the first of them does. */
    private Optional<JobInput.Objection> objection() {
        for (JobRun job : jobs) {
            boolean settlesHere = job.setup().settling() == JobSetup.Settling.HERE;
            Optional<JobError> error = settlesHere ? job.work().objection() : Optional.empty();
            if (error.isPresent()) {
                return Optional.of(new JobInput.Objection(job.index(), error.get()));
            }
        }
        return Optional.empty();
    }

    private Work work(int job) {
        return jobs.get(job).work();
    }

    private JobPort port(int job) {
        return new JobPort() {
            @Override
            public void errorMet(Operation operation, boolean noSpace) {
                later(new JobInput.ErrorMet(job, operation, noSpace));
            }

            @Override
            public void ready() {
                later(new JobInput.BecameReady(job));
            }

            @Override
            public void ended(Optional<JobError> error) {
                later(new JobInput.WorkEnded(job, error));
            }

            @Override
            public void prepared(Optional<JobError> error) {
                later(new JobInput.Prepared(job, error));
            }

            @Override
            public void failed(JobError error) {
                later(new JobInput.Failed(job, error));
            }

            private void later(JobInput input) {
                thread.run(() -> on(input));
            }
        };
    }
}
