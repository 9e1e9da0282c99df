package io.varve.capture.job;

import io.varve.capture.node.NodeGraph;
import io.varve.capture.node.NodeRefusedException;
import io.varve.capture.tracking.Agent;
import io.varve.capture.tracking.StartedBackup;
import io.varve.capture.tracking.Transacted;
import io.varve.core.drive.BackupKey;
import io.varve.core.drive.Completion;
import io.varve.core.drive.Conclusion;
import io.varve.core.id.DriveId;
import io.varve.core.id.SyncPointId;
import io.varve.core.job.JobIds;
import io.varve.core.job.JobInput;
import io.varve.core.job.JobRequest;
import io.varve.core.job.JobSetup;
import io.varve.core.job.JobTable;
import io.varve.core.transaction.Action;
import io.varve.transfer.CopyBudget;
import io.varve.transfer.CopyPipeline;
import java.time.Duration;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.Supplier;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The jobs of an agent. Backups to files it runs and concludes by itself; of those to the archive it hears from the
 * agent how they ended.
 *
 * <p>Close it before the agent. Thread: safe for any thread that isn't interrupted; one call at a time, and a call may
 * wait for the hold of a transaction and for the disk.
 */
public final class Jobs implements AutoCloseable {
    private static final Logger LOG = LoggerFactory.getLogger(Jobs.class);
    private static final CopyBudget BUDGET = new CopyBudget(4 << 20, 24 << 20);
    private static final Duration WORKS_END = Duration.ofSeconds(30);

    private final ReentrantLock lock = new ReentrantLock();
    private final JobBoard board = new JobBoard();
    private final SyncPointHistory history = new SyncPointHistory();
    private final Agent agent;
    private final NodeGraph graph;
    private final JobsMeans means;
    private boolean closed;

    public Jobs(Agent agent, NodeGraph graph, InstantSource clock) {
        this.agent = agent;
        this.graph = graph;
        this.means = new JobsMeans(agent, new JobsThread(lock), new CopyPipeline(BUDGET), clock);
        agent.observe((drive, key, conclusion) -> means.thread().run(() -> concluded(drive, key, conclusion)));
    }

    /** Has {@code listener} told of all jobs from now on. */
    public void listen(JobListener listener) {
        locked(() -> {
            board.listen(listener);
            return true;
        });
    }

    /** Carries out all of {@code actions} at one instant, and starts the jobs among them, or does nothing at all. */
    public JobsAnswer transact(List<JobAction> actions, Completion completion) {
        return locked(() -> closed ? new JobsAnswer.Refused("the agent is ending") : carryOut(actions, completion));
    }

    /**
     * Starts a job that is in no transaction, at once and without the hold that those begin with. It's released when
     * it's refused, too.
     *
     * @param bytesPerSecond its limit, as the client gave it; 0 for none
     * @return why not, in QEMU's words
     */
    public Optional<String> run(JobSetup setup, long bytesPerSecond, Work work) {
        return locked(() -> {
            Optional<String> objection = closed
                    ? Optional.of("the agent is ending")
                    : JobIds.objection(Optional.of(setup.id()), "", board.table()::has);
            if (objection.isPresent()) {
                work.release();
                return objection;
            }
            GroupRun group = new GroupRun(board, means.thread());
            JobRun job = group.create(setup, work);
            if (bytesPerSecond != 0) {
                Optional<String> badSpeed = group.ask(job.index(), new JobRequest.SetSpeed(bytesPerSecond));
                if (badSpeed.isPresent()) {
                    group.on(new JobInput.CreationFailed(job.index()));
                    return badSpeed;
                }
            }
            group.on(new JobInput.Started());
            return Optional.empty();
        });
    }

    /** Waits for what jobs do at the moment: one whose end was told has let go of its nodes then. */
    public void settle() {
        boolean _ = locked(() -> true);
    }

    /** The jobs that aren't gone, the newest first. */
    public List<JobInfo> jobs() {
        return locked(
                () -> board.table().newestFirst().stream().map(JobRun::info).toList());
    }

    /** What clients see over nodes that jobs read, the newest first. */
    public List<JobFilter> filters() {
        return locked(() -> board.table().newestFirst().stream()
                .flatMap(job -> job.work().filter().stream())
                .toList());
    }

    /** Asks something of a job; what becomes of it at once is told to listeners before the return. */
    public JobsReply ask(JobName name, JobRequest request) {
        return locked(() -> {
            JobTable.Lookup<JobRun> found = switch (name) {
                case JobName.OfJob(String id) -> board.table().job(id);
                case JobName.OfBlockJob(String id) -> board.table().blockJob(id);
            };
            return switch (found) {
                case JobTable.Lookup.Missing<JobRun> missing ->
                    new JobsReply.Missing(missing.errorClass(), missing.text());
                case JobTable.Lookup.Found<JobRun> job -> ask(job.job(), request);
            };
        });
    }

    private static JobsReply ask(JobRun job, JobRequest request) {
        boolean wantsToHold = request instanceof JobRequest.Pause || request instanceof JobRequest.SetSpeed;
        if (job.work() instanceof ArchiveBackup && wantsToHold) {
            return new JobsReply.Refused("Job '" + job.setup().id()
                    + "' is a backup to the archive, which sinks make: it can't be paused or slowed down here");
        }
        return job.group()
                .ask(job.index(), request)
                .<JobsReply>map(JobsReply.Refused::new)
                .orElseGet(JobsReply.Done::new);
    }

    /** Tells how far a backup to the archive is, as the sinks say. */
    public void progressed(DriveId drive, SyncPointId syncPoint, long copiedBytes, long totalBytes) {
        means.thread()
                .run(() -> archiveBackup(drive, new BackupKey(syncPoint, 0))
                        .ifPresent(backup -> backup.progressed(copiedBytes, totalBytes)));
    }

    /** How the backups of a sync point are or ended; empty when it isn't among the latest ones. */
    public Optional<List<BackupProgress>> progressOf(SyncPointId syncPoint) {
        return locked(() -> history.of(syncPoint));
    }

    /** Cancels the jobs of this agent, and waits for their end; those to the archive are the agent's to cancel. */
    @Override
    public void close() {
        List<Thread> threads = locked(() -> {
            closed = true;
            List<Thread> running = new ArrayList<>();
            for (JobRun job : board.table().newestFirst()) {
                if (!(job.work() instanceof ArchiveBackup)) {
                    job.work().thread().ifPresent(running::add);
                    Optional<String> _ = job.group().ask(job.index(), new JobRequest.Cancel(true));
                }
            }
            return running;
        });
        try {
            for (Thread thread : threads) {
                if (!thread.join(WORKS_END)) {
                    LOG.warn("{} hasn't ended within {}; its target is left as it is", thread.getName(), WORKS_END);
                }
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
        means.thread().end();
    }

    private JobsAnswer carryOut(List<JobAction> named, Completion completion) {
        TakingSnapshots snapshots = new TakingSnapshots(graph);
        boolean isDone = false;
        try {
            Optional<String> objection = objection(named, completion);
            if (objection.isPresent()) {
                return new JobsAnswer.Refused(objection.get());
            }
            JobsAnswer answer = carryOut(new NodeActions(graph, snapshots).resolved(named), completion, snapshots);
            isDone = answer instanceof JobsAnswer.Done;
            return answer;
        } catch (NodeRefusedException e) {
            return new JobsAnswer.Refused(e.description());
        } finally {
            // Guests must go on, whatever came.
            if (!isDone) {
                snapshots.undo();
            }
        }
    }

    /** Snapshots are never taken in vain where that can be told from the actions alone. */
    private static Optional<String> objection(List<JobAction> actions, Completion completion) {
        return actions.stream()
                .filter(_ -> completion == Completion.GROUPED)
                .map(JobAction::action)
                .flatMap(action -> action instanceof Action.Opaque(String type)
                        ? Optional.of(
                                "Action '" + type + "' does not support Transaction property completion-mode = grouped")
                                .stream()
                        : Optional.<String>empty().stream())
                .findFirst();
    }

    private JobsAnswer carryOut(List<JobAction> actions, Completion completion, TakingSnapshots snapshots) {
        SyncPointId syncPoint = agent.newSyncPointId();
        List<Action> plain = actions.stream().map(JobAction::action).toList();
        // What's refused anyway must not touch a target.
        Optional<String> objection = agent.objection(plain, completion, syncPoint);
        if (objection.isPresent()) {
            return new JobsAnswer.Refused(objection.get());
        }
        List<JobAction.Backup> backups = actions.stream()
                .flatMap(a -> a instanceof JobAction.Backup backup
                        ? Optional.of(backup).stream()
                        : Optional.<JobAction.Backup>empty().stream())
                .toList();
        StartingJobs starting = new StartingJobs(graph, board, means, completion);
        Optional<String> badTarget = starting.create(backups, agent.states());
        if (badTarget.isPresent()) {
            return new JobsAnswer.Refused(badTarget.get());
        }
        return switch (agent.transact(plain, completion, syncPoint)) {
            case Transacted.Refused(String why) -> {
                starting.rollBack();
                yield new JobsAnswer.Refused(why);
            }
            case Transacted.Done(List<StartedBackup> started) -> {
                snapshots.finish();
                starting.taken(started).forEach(history::started);
                yield new JobsAnswer.Done(syncPoint, backups.isEmpty() ? List.of() : starting.start());
            }
        };
    }

    private void concluded(DriveId drive, BackupKey key, Conclusion conclusion) {
        history.concluded(drive, key, conclusion);
        archiveBackup(drive, key).ifPresent(backup -> backup.concluded(conclusion));
    }

    private Optional<ArchiveBackup> archiveBackup(DriveId drive, BackupKey key) {
        return board.table().newestFirst().stream()
                .map(JobRun::work)
                .flatMap(work -> work instanceof ArchiveBackup backup
                        ? Optional.of(backup).stream()
                        : Optional.<ArchiveBackup>empty().stream())
                .filter(backup -> backup.is(drive, key))
                .findFirst();
    }

    private <T> T locked(Supplier<T> call) {
        lock.lock();
        try {
            return call.get();
        } finally {
            lock.unlock();
        }
    }
}
