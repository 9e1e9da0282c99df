package io.varve.capture.job;

import io.varve.capture.node.NodeGraph;
import io.varve.capture.node.NodeRefusedException;
import io.varve.capture.tracking.Agent;
import io.varve.capture.tracking.StartedBackup;
import io.varve.capture.tracking.Transacted;
import io.varve.core.drive.BackupKey;
import io.varve.core.drive.Bitmap;
import io.varve.core.drive.Completion;
import io.varve.core.drive.Conclusion;
import io.varve.core.drive.DriveState;
import io.varve.core.id.DriveId;
import io.varve.core.id.SyncPointId;
import io.varve.core.transaction.Action;
import io.varve.core.transaction.Plan;
import io.varve.core.transaction.Transaction;
import io.varve.transfer.CopyBudget;
import io.varve.transfer.CopyPipeline;
import java.io.IOException;
import java.time.Duration;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.locks.ReentrantLock;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The backup jobs of an agent. Those to files it runs and concludes by itself; of those to the archive it hears from
 * the agent how they ended.
 *
 * <p>Close it before the agent. Thread: safe for any thread that isn't interrupted; one call at a time, and a call may
 * wait for the hold of a transaction and for the disk.
 */
public final class Jobs implements AutoCloseable {
    private static final Logger LOG = LoggerFactory.getLogger(Jobs.class);
    private static final CopyBudget BUDGET = new CopyBudget(4 << 20, 24 << 20);
    private static final Duration COPIERS_END = Duration.ofSeconds(30);

    private final ReentrantLock lock = new ReentrantLock();
    private final JobTable table = new JobTable();
    private final SyncPointHistory history = new SyncPointHistory();
    private final BitmapOrder bitmaps = new BitmapOrder();
    private final List<FileCopies> copies = new ArrayList<>();
    private final Agent agent;
    private final NodeGraph graph;
    private final NodeActions nodes;
    private final JobsMeans means;
    private boolean closed;

    public Jobs(Agent agent, NodeGraph graph, InstantSource clock) {
        this.agent = agent;
        this.graph = graph;
        this.nodes = new NodeActions(graph);
        this.means = new JobsMeans(agent, table, new JobsThread(lock), new CopyPipeline(BUDGET), clock);
        agent.observe((drive, key, conclusion) -> means.thread().run(() -> concluded(drive, key, conclusion)));
    }

    /** Has {@code listener} told of all jobs from now on. */
    public void listen(JobListener listener) {
        locked(() -> {
            table.listen(listener);
            return true;
        });
    }

    /** Carries out all of {@code actions} at one instant, and starts the jobs among them, or does nothing at all. */
    public JobsAnswer transact(List<JobAction> actions, Completion completion) {
        return locked(() -> closed ? new JobsAnswer.Refused("the agent is ending") : carryOut(actions, completion));
    }

    /** A drive's bitmaps, the newest first. */
    public List<Bitmap> newestFirst(DriveState state) {
        return bitmaps.newestFirst(state);
    }

    /** The jobs that run, the newest first. */
    public List<JobInfo> jobs() {
        return locked(() -> {
            copies.forEach(FileCopies::refresh);
            return table.oldestFirst().reversed().stream().map(BackupJob::info).toList();
        });
    }

    /** Cancels a job, and with it all others of its grouped transaction; returns before they have ended. */
    public Cancelling cancel(String id) {
        return locked(() -> {
            Optional<BackupJob> found = table.find(id);
            if (found.isEmpty()) {
                return new Cancelling.Unknown();
            }
            BackupJob job = found.get();
            if (job.status().compareTo(JobStatus.ABORTING) >= 0) {
                return new Cancelling.Refused("Job '" + id + "' in state '"
                        + job.status().qmpName() + "' cannot accept command verb 'cancel'");
            }
            means.thread().run(() -> cancel(job));
            return new Cancelling.Asked();
        });
    }

    /** Lets a paused job go on; refused in QEMU's words when it isn't paused. */
    public Cancelling resume(String id) {
        return locked(() -> {
            Optional<BackupJob> found = table.find(id);
            if (found.isEmpty()) {
                return new Cancelling.Unknown();
            }
            BackupJob job = found.get();
            if (!job.gate().isPaused()) {
                return new Cancelling.Refused("Can't resume a job that was not paused");
            }
            job.ioStatus("ok");
            if (job.status() == JobStatus.PAUSED) {
                table.status(job, JobStatus.RUNNING);
            }
            job.gate().resume();
            return new Cancelling.Asked();
        });
    }

    /** Tells how far a backup to the archive is, as the sinks say. */
    public void progressed(DriveId drive, SyncPointId syncPoint, long copiedBytes, long totalBytes) {
        means.thread()
                .run(() -> archiveJob(drive, new BackupKey(syncPoint, 0))
                        .ifPresent(job -> job.progressed(copiedBytes, totalBytes)));
    }

    /** How the backups of a sync point are or ended; empty when it isn't among the latest ones. */
    public Optional<List<BackupProgress>> progressOf(SyncPointId syncPoint) {
        return locked(() -> {
            copies.forEach(FileCopies::refresh);
            return history.of(syncPoint);
        });
    }

    /** Cancels the jobs to files, and waits for their end; those to the archive are the agent's to cancel. */
    @Override
    public void close() {
        List<Thread> copiers = locked(() -> {
            closed = true;
            table.oldestFirst().stream()
                    .filter(job -> !job.isOfArchive())
                    .forEach(job -> means.thread().run(() -> cancel(job)));
            return copies.stream().flatMap(c -> c.copiers().stream()).toList();
        });
        try {
            for (Thread copier : copiers) {
                if (!copier.join(COPIERS_END)) {
                    LOG.warn("{} hasn't ended within {}; its target is left as it is", copier.getName(), COPIERS_END);
                }
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
        means.thread().end();
    }

    private JobsAnswer carryOut(List<JobAction> named, Completion completion) {
        List<JobAction> actions;
        try {
            actions = nodes.resolved(named);
        } catch (NodeRefusedException e) {
            return new JobsAnswer.Refused(e.description());
        }
        SyncPointId syncPoint = agent.newSyncPointId();
        List<Action> plain = actions.stream().map(JobAction::action).toList();
        // What's refused anyway must not touch a target.
        if (Transaction.plan(agent.states(), plain, completion, syncPoint, agent.rules()) instanceof Plan.Refused(String why)) {
            return new JobsAnswer.Refused(why);
        }
        List<JobAction.Backup> backups = actions.stream()
                .flatMap(a -> a instanceof JobAction.Backup backup
                        ? Optional.of(backup).stream()
                        : Optional.<JobAction.Backup>empty().stream())
                .toList();
        Optional<String> badId = JobIds.objection(backups, table);
        if (badId.isPresent()) {
            return new JobsAnswer.Refused(badId.get());
        }
        return switch (StartingJobs.open(backups, graph, agent.states())) {
            case StartingJobs.Opening.Refused(String why) -> new JobsAnswer.Refused(why);
            case StartingJobs.Opening.Opened(StartingJobs starting) ->
                switch (agent.transact(plain, completion, syncPoint)) {
                    case Transacted.Refused(String why) -> {
                        starting.abort();
                        yield new JobsAnswer.Refused(why);
                    }
                    case Transacted.Done(List<StartedBackup> started) -> {
                        bitmaps.done(plain);
                        yield new JobsAnswer.Done(syncPoint, start(starting.started(started), completion));
                    }
                };
        };
    }

    private List<JobInfo> start(List<StartingJobs.Started> started, Completion completion) {
        List<FileCopies.Start> files = new ArrayList<>();
        for (StartingJobs.Started each : started) {
            BackupJob job = each.job();
            table.add(job);
            history.started(job);
            if (each.target().isPresent()) {
                files.add(new FileCopies.Start(job, each.backup(), each.target().get()));
            } else {
                table.status(job, JobStatus.CREATED);
                table.status(job, JobStatus.RUNNING);
            }
        }
        List<List<FileCopies.Start>> groups = completion == Completion.GROUPED
                ? List.of(files)
                : files.stream().map(List::of).toList();
        for (List<FileCopies.Start> group : groups) {
            if (!group.isEmpty()) {
                FileCopies copy = new FileCopies(means, group);
                copies.add(copy);
                copy.start();
            }
        }
        return started.stream()
                .sorted(Comparator.comparingInt(StartingJobs.Started::position))
                .map(each -> each.job().info())
                .toList();
    }

    private void cancel(BackupJob job) {
        if (!job.isOfArchive()) {
            copies.stream().filter(c -> c.has(job)).forEach(c -> c.cancel(job));
            return;
        }
        for (BackupJob each : table.oldestFirst()) {
            boolean isConcerned = each == job
                    || (each.isOfArchive()
                            && job.mark().completion() == Completion.GROUPED
                            && each.key().syncPoint().equals(job.key().syncPoint()));
            if (isConcerned) {
                cancelArchive(each);
            }
        }
    }

    private void cancelArchive(BackupJob job) {
        try {
            agent.conclude(job.drive(), job.key(), new Conclusion.Cancelled());
        } catch (IOException e) {
            LOG.error("job {} couldn't be cancelled: {}", job.id(), e.getMessage());
        }
    }

    private void concluded(DriveId drive, BackupKey key, Conclusion conclusion) {
        history.concluded(drive, key, conclusion);
        copies.removeIf(copy -> copy.copiers().stream().noneMatch(Thread::isAlive));
        archiveJob(drive, key).ifPresent(job -> endArchive(job, conclusion));
    }

    private Optional<BackupJob> archiveJob(DriveId drive, BackupKey key) {
        return table.find(job ->
                job.isOfArchive() && job.drive().equals(drive) && job.key().equals(key));
    }

    private void endArchive(BackupJob job, Conclusion conclusion) {
        switch (conclusion) {
            case Conclusion.Committed _, Conclusion.Written _ -> {
                table.status(job, JobStatus.WAITING);
                table.status(job, JobStatus.PENDING);
            }
            case Conclusion.Aborted _, Conclusion.Failed _, Conclusion.Cancelled _ ->
                table.status(job, JobStatus.ABORTING);
        }
        table.ended(job, conclusion);
        table.status(job, JobStatus.CONCLUDED);
        table.status(job, JobStatus.NULL);
    }

    private <T> T locked(java.util.function.Supplier<T> call) {
        lock.lock();
        try {
            return call.get();
        } finally {
            lock.unlock();
        }
    }
}
