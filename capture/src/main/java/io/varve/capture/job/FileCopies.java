package io.varve.capture.job;

import io.varve.capture.tracking.Agent;
import io.varve.capture.tracking.StartedBackup;
import io.varve.core.bits.Marks;
import io.varve.core.drive.BackupKind;
import io.varve.core.drive.Conclusion;
import io.varve.transfer.CopyControl;
import io.varve.transfer.CopyOutcome;
import io.varve.transfer.CopyPipeline;
import io.varve.transfer.CopyPlan;
import java.io.IOException;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The copies of one {@link JobGroup}: the threads and files around it.
 *
 * <p>A copying thread, which is interrupted to end it, never touches the agent or a drive's image: it tells the jobs'
 * own thread what happened.
 *
 * <p>Thread: guarded by the lock of {@link Jobs}, but for the copying threads.
 */
final class FileCopies {
    private static final Logger LOG = LoggerFactory.getLogger(FileCopies.class);

    private final Agent agent;
    private final JobTable table;
    private final JobsThread thread;
    private final CopyPipeline pipeline;
    private final JobGroup group;
    private final List<Member> members = new ArrayList<>();

    /** One job, and its copy. */
    private record Member(
            BackupJob job,
            StartedBackup backup,
            OpenedTarget target,
            CopyControl control,
            CompletableFuture<Void> mayAppear,
            Thread copier) {}

    /** A job that is to be started. */
    record Start(BackupJob job, StartedBackup backup, OpenedTarget target) {}

    FileCopies(JobsMeans means, List<Start> starts) {
        this.agent = means.agent();
        this.table = means.table();
        this.thread = means.thread();
        this.pipeline = means.pipeline();
        this.group = new JobGroup(starts.size());
        for (Start start : starts) {
            members.add(member(members.size(), start, means.clock()));
        }
    }

    private Member member(int index, Start start, InstantSource clock) {
        CompletableFuture<Void> mayAppear = new CompletableFuture<>();
        CopyControl control = new CopyControl(clock, () -> {
            thread.run(() -> perform(group.stored(index)));
            await(mayAppear);
        });
        Thread copier = Thread.ofPlatform()
                .daemon()
                .name("varve-job-" + start.job().id())
                .unstarted(() -> copy(index));
        return new Member(start.job(), start.backup(), start.target(), control, mayAppear, copier);
    }

    void start() {
        perform(group.start());
        members.forEach(member -> member.copier().start());
    }

    boolean has(BackupJob job) {
        return indexOf(job).isPresent();
    }

    /** Stops a job, and with it the others. */
    void cancel(BackupJob job) {
        indexOf(job).ifPresent(index -> perform(group.stop(index, new Conclusion.Cancelled())));
    }

    /** Brings the jobs' progress up to date. */
    void refresh() {
        for (Member member : members) {
            var progress = member.control().progress();
            if (progress.totalBytes() > 0) {
                member.job().progressed(progress.copiedBytes(), progress.totalBytes());
            }
        }
    }

    List<Thread> copiers() {
        return members.stream().map(Member::copier).toList();
    }

    private Optional<Integer> indexOf(BackupJob job) {
        for (int index = 0; index < members.size(); index++) {
            if (members.get(index).job() == job) {
                return Optional.of(index);
            }
        }
        return Optional.empty();
    }

    /** On the copying thread. */
    private void copy(int index) {
        Member member = members.get(index);
        CopyOutcome outcome;
        try (SnapshotSource source = new SnapshotSource(member.backup().snapshot(), retrying(index))) {
            outcome = member.target()
                    .copy(
                            pipeline,
                            new OpenedTarget.What(member.job().drive().value(), plan(member.backup())),
                            source,
                            member.control(),
                            retrying(index));
        } catch (RuntimeException e) {
            LOG.error("job {}: its copy ended because of a bug", member.job().id(), e);
            outcome = new CopyOutcome.Failed(CopyOutcome.Side.TARGET, "the copy ended because of a bug: " + e);
        }
        CopyOutcome last = outcome;
        thread.run(() -> ended(index, last));
    }

    private static CopyPlan plan(StartedBackup backup) {
        Optional<Marks> cut = backup.cut();
        return backup.mark().kind() instanceof BackupKind.Incremental && cut.isPresent()
                ? new CopyPlan.Cut(cut.get())
                : new CopyPlan.Whole();
    }

    private static void await(CompletableFuture<Void> mayAppear) throws InterruptedException {
        try {
            mayAppear.get();
        } catch (ExecutionException e) {
            throw new IllegalStateException("nothing completes it so", e);
        }
    }

    private void ended(int index, CopyOutcome outcome) {
        refresh();
        switch (outcome) {
            case CopyOutcome.Copied _ -> perform(group.appeared(index));
            case CopyOutcome.Cancelled _ -> perform(group.failed(index, new Conclusion.Cancelled()));
            case CopyOutcome.Failed(CopyOutcome.Side side, String reason) -> {
                if (!(group.state(index) instanceof JobState.Stopping)) {
                    errorMet(
                            index,
                            side == CopyOutcome.Side.SOURCE ? JobEvent.Operation.READ : JobEvent.Operation.WRITE);
                }
                perform(group.failed(index, new Conclusion.Failed(reason)));
            }
        }
    }

    private Retrying retrying(int index) {
        BackupJob job = members.get(index).job();
        return new Retrying(
                job.terms(), job.gate(), (operation, action) -> thread.run(() -> goesOn(index, operation, action)));
    }

    /** An error that doesn't end the job. */
    private void goesOn(int index, JobEvent.Operation operation, OnError.Action action) {
        refresh();
        BackupJob job = members.get(index).job();
        table.tell(new JobEvent.ErrorMet(job.info(), operation, action));
        if (action == OnError.Action.STOP && job.gate().isPaused() && group.state(index) instanceof JobState.Running) {
            job.ioStatus("failed");
            table.status(job, JobStatus.PAUSED);
        }
    }

    private void errorMet(int index, JobEvent.Operation operation) {
        table.tell(new JobEvent.ErrorMet(members.get(index).job().info(), operation, OnError.Action.REPORT));
    }

    private void perform(List<JobEffect> effects) {
        for (JobEffect effect : effects) {
            switch (effect) {
                case JobEffect.Status(int job, JobStatus status) ->
                    table.status(members.get(job).job(), status);
                case JobEffect.StopCopy(int job) -> {
                    members.get(job).job().gate().end();
                    members.get(job).control().cancel();
                }
                case JobEffect.CheckTargets _ -> checkTargets();
                case JobEffect.LetAppear(int job) ->
                    members.get(job).mayAppear().complete(null);
                case JobEffect.Conclude(int job, Conclusion conclusion) ->
                    conclude(members.get(job).job(), conclusion);
            }
        }
    }

    /** Images can't appear all at once, so what can be known is known before the first of them does. */
    private void checkTargets() {
        for (int index = 0; index < members.size(); index++) {
            Optional<String> objection = members.get(index).target().objection();
            if (objection.isPresent()) {
                errorMet(index, JobEvent.Operation.WRITE);
                perform(group.stop(index, new Conclusion.Failed(objection.get())));
                return;
            }
        }
        perform(group.targetsGood());
    }

    private void conclude(BackupJob job, Conclusion conclusion) {
        Conclusion told = conclusion;
        try {
            agent.conclude(job.drive(), job.key(), conclusion);
        } catch (IOException e) {
            LOG.error("job {}: its end couldn't be written down", job.id(), e);
            told = new Conclusion.Failed(
                    "drive '" + job.drive() + "': the end of its backup couldn't be written to the "
                            + "journal, so its bits are kept: " + e.getMessage());
        }
        table.ended(job, told);
    }
}
