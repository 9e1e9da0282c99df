package io.varve.capture.job;

import io.varve.capture.node.Device;
import io.varve.capture.node.Node;
import io.varve.capture.node.NodeGraph;
import io.varve.capture.node.NodeRefusedException;
import io.varve.capture.node.NodeUse;
import io.varve.capture.tracking.StartedBackup;
import io.varve.core.Invariant;
import io.varve.core.bits.Granularity;
import io.varve.core.drive.Completion;
import io.varve.core.drive.DriveState;
import io.varve.core.id.DriveId;
import io.varve.core.job.JobIds;
import io.varve.core.job.JobInput;
import io.varve.core.job.JobRequest;
import io.varve.core.job.JobSetup;
import io.varve.core.job.JobType;
import io.varve.core.transaction.SyncMode;
import io.varve.formats.qcow2.ClusterSize;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import java.util.SortedMap;

/**
 * The jobs of a transaction that isn't carried out yet: each is created in its action's turn, with its target open.
 *
 * <p>Thread: guarded by the lock of {@link Jobs}.
 */
final class StartingJobs {
    private final List<Created> jobs = new ArrayList<>();
    private final List<GroupRun> groups = new ArrayList<>();
    private final NodeGraph graph;
    private final JobBoard board;
    private final JobsMeans means;
    private final Completion completion;

    private record Created(JobRun run, Backup work) {}

    StartingJobs(NodeGraph graph, JobBoard board, JobsMeans means, Completion completion) {
        this.graph = graph;
        this.board = board;
        this.means = means;
        this.completion = completion;
    }

    /** Creates all jobs; the planner has looked at the actions before. Gives why not, and then none is left. */
    Optional<String> create(List<JobAction.Backup> backups, SortedMap<DriveId, DriveState> states) {
        for (JobAction.Backup backup : backups) {
            try {
                create(backup, states);
            } catch (NodeRefusedException e) {
                rollBack();
                return Optional.of(e.description());
            }
        }
        return Optional.empty();
    }

    private void create(JobAction.Backup backup, SortedMap<DriveId, DriveState> states) throws NodeRefusedException {
        DriveId drive = new DriveId(backup.action().node());
        Node source = graph.tracked(drive).orElseThrow();
        long sizeBytes = Objects.requireNonNull(states.get(drive)).sizeBytes();
        Optional<OpenedTarget> target = backup.target() instanceof JobAction.Target.Archive
                ? Optional.empty()
                : Optional.of(new TargetOpener(graph).open(source, sizeBytes, backup));
        String device = graph.deviceOver(source).map(Device::id).orElse("");
        NodeUse use = new NodeUse.Job("backup");
        SourceFilter filter = new SourceFilter(graph, means.agent(), source, copyUnit(target));
        StartingBackup starting = new StartingBackup(backup.id().orElse(device), backup, source, target, filter, () -> {
            graph.end(source, use);
            filter.remove();
        });
        try {
            graph.begin(source, use);
            filter.insert(backup.terms().filterNodeName());
        } catch (NodeRefusedException e) {
            starting.release(false);
            throw e;
        }
        Optional<String> badId = JobIds.objection(backup.id(), device, board.table()::has);
        if (badId.isPresent()) {
            starting.release(false);
            throw new NodeRefusedException(badId.get());
        }
        Backup work = work(starting);
        GroupRun group = group();
        JobRun run = group.create(setup(starting), work);
        long bytesPerSecond = backup.terms().bytesPerSecond();
        Optional<String> badSpeed = bytesPerSecond == 0
                ? Optional.empty()
                : group.ask(run.index(), new JobRequest.SetSpeed(bytesPerSecond));
        if (badSpeed.isPresent()) {
            group.on(new JobInput.CreationFailed(run.index()));
            throw new NodeRefusedException(badSpeed.get());
        }
        jobs.add(new Created(run, work));
    }

    private static Granularity copyUnit(Optional<OpenedTarget> target) {
        return target.map(opened -> opened.geometry().clusterSize().bytes())
                .map(bytes -> new Granularity(Math.max(bytes, ClusterSize.DEFAULT.bytes())))
                .orElse(Granularity.DEFAULT);
    }

    private Backup work(StartingBackup starting) {
        if (starting.opened().isEmpty()) {
            return new ArchiveBackup(means, starting);
        }
        return starting.backup().action().sync() == SyncMode.NONE
                ? new OldContentBackup(means, starting)
                : new FileBackup(means, starting);
    }

    private static JobSetup setup(StartingBackup starting) {
        return new JobSetup(
                starting.id(),
                JobType.BACKUP,
                starting.terms().endings(),
                starting.terms().errors(),
                starting.opened().isPresent() ? JobSetup.Settling.HERE : JobSetup.Settling.ELSEWHERE);
    }

    private GroupRun group() {
        if (completion == Completion.INDIVIDUAL || groups.isEmpty()) {
            groups.add(new GroupRun(board, means.thread()));
        }
        return groups.getLast();
    }

    /** The transaction isn't carried out. */
    void rollBack() {
        groups.reversed().forEach(group -> group.on(new JobInput.RolledBack()));
    }

    /**
     * The transaction was carried out.
     *
     * @param backups as the agent gives them: by drive, and then in the order of the actions
     * @return the works, in the order of the actions
     */
    List<Backup> taken(List<StartedBackup> backups) {
        Invariant.check(backups.size() == jobs.size(), "a started backup for each job");
        List<Backup> byDrive = jobs.stream()
                .map(Created::work)
                .sorted(Comparator.comparing(Backup::drive))
                .toList();
        for (int index = 0; index < byDrive.size(); index++) {
            byDrive.get(index).taken(backups.get(index));
        }
        return jobs.stream().map(Created::work).toList();
    }

    /** Starts them; gives them in the order of the actions. */
    List<JobInfo> start() {
        board.start(groups);
        return jobs.stream().map(job -> job.run().info()).toList();
    }
}
