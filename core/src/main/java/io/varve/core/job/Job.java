package io.varve.core.job;

import io.varve.core.Invariant;
import io.varve.core.drive.Conclusion;
import java.util.List;
import java.util.Optional;

/** One job of a {@link JobGroup}: its state, and the effects of a change of it. */
final class Job {
    private final int index;
    private final JobSetup setup;
    private final List<JobEffect> effects;
    private JobStatus status = JobStatus.UNDEFINED;
    private Progress work = Progress.NONE;
    private Progress preparation = Progress.NONE;
    private Cancelling cancelling = Cancelling.NOT;
    private IoStatus ioStatus = IoStatus.OK;
    private Optional<JobError> error = Optional.empty();
    private long bytesPerSecond;
    private boolean pausedByUser;
    private boolean isStored;
    private boolean isReadyOnceResumed;
    private boolean wasStarted;
    private boolean wasToldToStop;

    /** How far the work is, or the target's appearance. */
    private enum Progress {
        NONE,
        UNDER_WAY,
        ENDED
    }

    private enum Cancelling {
        NOT,
        /** It was ready, and ends well, as it is. */
        SOFTLY,
        BY_FORCE
    }

    /** @param effects where the effects go */
    Job(int index, JobSetup setup, List<JobEffect> effects) {
        this.index = index;
        this.setup = setup;
        this.effects = effects;
    }

    int index() {
        return index;
    }

    JobSetup setup() {
        return setup;
    }

    JobStatus status() {
        return status;
    }

    boolean settlesHere() {
        return setup.settling() == JobSetup.Settling.HERE;
    }

    JobView view(boolean drained) {
        boolean paused = !status.isCompleted() && (pausedByUser || drained || status == JobStatus.CREATED);
        return new JobView(status, paused, ioStatus, bytesPerSecond, error);
    }

    void move(JobStatus next) {
        Invariant.check(
                status.mayBecome(next),
                "job '" + setup.id() + "' to go from '" + status.qmpName() + "' where it may go, not to '"
                        + next.qmpName() + "'");
        effects.add(new JobEffect.StatusChanged(index, status, next));
        status = next;
        if (next == JobStatus.NULL) {
            effects.add(new JobEffect.Free(index));
        }
    }

    /** The status of any job is told; these events are of block jobs alone. */
    void tell(JobEvent event) {
        if (setup.type().isBlockJob()) {
            effects.add(new JobEffect.Tell(index, event));
        }
    }

    // --- work

    void start(boolean drained) {
        wasStarted = true;
        move(JobStatus.RUNNING);
        if (pausedByUser || drained) {
            move(JobStatus.PAUSED);
        } else {
            startWork();
        }
    }

    boolean isAtWork() {
        return work == Progress.UNDER_WAY;
    }

    /** Whether the work's end was told. */
    boolean hasEndedWork() {
        return work == Progress.ENDED;
    }

    void workEnded(Optional<JobError> failure) {
        work = Progress.ENDED;
        isStored = failure.isEmpty();
        failure.ifPresent(this::fail);
    }

    private void startWork() {
        work = Progress.UNDER_WAY;
        effects.add(new JobEffect.StartWork(index));
    }

    void finishWork(JobEffect.Finish how) {
        effects.add(new JobEffect.FinishWork(index, how));
    }

    /** Ends the work, or the target's appearance, where one is under way; what's stored is given up. */
    void stop() {
        if (isStored && settlesHere() && preparation == Progress.NONE) {
            preparation = Progress.UNDER_WAY;
            effects.add(new JobEffect.GiveUp(index));
            return;
        }
        boolean isBusy = work == Progress.UNDER_WAY || preparation == Progress.UNDER_WAY;
        if (isBusy && !wasToldToStop) {
            wasToldToStop = true;
            effects.add(new JobEffect.StopWork(index));
        }
    }

    void limitSpeed(long speed) {
        bytesPerSecond = speed;
        effects.add(new JobEffect.LimitSpeed(index, speed));
    }

    // --- pauses

    boolean isPausedByUser() {
        return pausedByUser;
    }

    void pausedByUser(boolean paused) {
        pausedByUser = paused;
        if (!paused) {
            ioStatus = IoStatus.OK;
        }
    }

    /** Comes to rest, unless it's about to end anyway. */
    void pause() {
        boolean mayPause = status == JobStatus.RUNNING || status == JobStatus.READY;
        if (mayPause && !isCancelledByForce() && !wasToldToStop) {
            move(status == JobStatus.READY ? JobStatus.STANDBY : JobStatus.PAUSED);
            if (isAtWork()) {
                effects.add(new JobEffect.PauseWork(index));
            }
        }
    }

    /** Goes on with its work, or begins it. */
    void resume() {
        if (status.isPaused()) {
            leavePause();
            switch (work) {
                case NONE -> startWork();
                case UNDER_WAY -> effects.add(new JobEffect.ResumeWork(index));
                case ENDED -> {}
            }
            if (isReadyOnceResumed) {
                isReadyOnceResumed = false;
                becameReady();
            }
        }
    }

    void becameReady() {
        if (status == JobStatus.PAUSED) {
            isReadyOnceResumed = true;
        } else if (status == JobStatus.RUNNING) {
            move(JobStatus.READY);
            tell(new JobEvent.Ready());
        }
    }

    /** Is awake again only to end. */
    void leavePause() {
        if (status.isPaused()) {
            move(status == JobStatus.STANDBY ? JobStatus.READY : JobStatus.RUNNING);
        }
    }

    /** What a met error comes to; the first one that stops it sets the I/O status. */
    void metError(Operation operation, boolean noSpace) {
        if (!isAtWork() || isCancelledByForce() || wasToldToStop) {
            effects.add(new JobEffect.ActOnError(index, ErrorAction.REPORT));
            return;
        }
        ErrorAction action = setup.errors().of(operation).action(noSpace);
        tell(new JobEvent.ErrorMet(operation, action));
        if (action == ErrorAction.STOP) {
            pausedByUser = true;
            if (ioStatus == IoStatus.OK) {
                ioStatus = noSpace ? IoStatus.NOSPACE : IoStatus.FAILED;
            }
            pause();
        }
        effects.add(new JobEffect.ActOnError(index, action));
    }

    // --- ends

    /** Marks it cancelled. A job that isn't ready, or can't be, has no soft end. */
    void cancel(boolean force) {
        boolean isForced = force || !(setup.type().endsOnAWord() && status.isReady());
        pausedByUser(false);
        if (isForced) {
            cancelling = Cancelling.BY_FORCE;
        } else if (cancelling == Cancelling.NOT && !hasEndedWork()) {
            cancelling = Cancelling.SOFTLY;
        }
    }

    boolean isToBeCancelled() {
        return cancelling != Cancelling.NOT;
    }

    boolean isCancelledByForce() {
        return cancelling == Cancelling.BY_FORCE;
    }

    /** Gives it an error, unless it has one. */
    void fail(JobError failure) {
        if (error.isEmpty()) {
            error = Optional.of(failure);
        }
    }

    /** Whether it fails: of itself, or since it was cancelled. */
    boolean isFailing() {
        return error.isPresent() || isCancelledByForce();
    }

    /** Says that it fails, if that wasn't said. */
    void abort() {
        if (isCancelledByForce()) {
            fail(JobError.cancelled());
        }
        leavePause();
        if (status != JobStatus.ABORTING) {
            move(JobStatus.ABORTING);
        }
    }

    void prepare() {
        if (settlesHere()) {
            preparation = Progress.UNDER_WAY;
            effects.add(new JobEffect.Prepare(index));
        } else {
            preparation = Progress.ENDED;
        }
    }

    boolean isPreparing() {
        return preparation == Progress.UNDER_WAY;
    }

    boolean isPrepared() {
        return preparation == Progress.ENDED;
    }

    void prepared(Optional<JobError> failure) {
        preparation = Progress.ENDED;
        failure.ifPresent(this::fail);
    }

    /** To be called when nothing of it is under way any more. */
    void conclude() {
        Conclusion conclusion = isCancelledByForce()
                ? new Conclusion.Cancelled()
                : error.<Conclusion>map(why -> new Conclusion.Failed(why.reason()))
                        .orElseGet(Conclusion.Written::new);
        effects.add(new JobEffect.Conclude(index, conclusion));
    }

    /** The bits stay, whatever it was that should have been written down. */
    void conclusionFailed(JobError failure) {
        error = Optional.of(failure);
        cancelling = Cancelling.NOT;
        abort();
    }

    void end() {
        if (wasStarted) {
            tell(isCancelledByForce() ? new JobEvent.Cancelled() : new JobEvent.Completed(error));
        }
        move(JobStatus.CONCLUDED);
        if (setup.endings().autoDismiss() || !wasStarted) {
            move(JobStatus.NULL);
        }
    }
}
