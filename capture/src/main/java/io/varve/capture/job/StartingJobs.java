package io.varve.capture.job;

import io.varve.capture.node.Node;
import io.varve.capture.node.NodeGraph;
import io.varve.capture.node.NodeUse;
import io.varve.capture.tracking.StartedBackup;
import io.varve.core.Invariant;
import io.varve.core.drive.DriveState;
import io.varve.core.id.DriveId;
import java.io.IOException;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import java.util.SortedMap;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** The jobs of a transaction that isn't carried out yet, with their targets open. */
final class StartingJobs {
    private static final Logger LOG = LoggerFactory.getLogger(StartingJobs.class);

    private final List<Starting> jobs = new ArrayList<>();

    private record Starting(
            int position, JobAction.Backup backup, DriveId drive, Node source, Optional<OpenedTarget> target) {
        String id() {
            return backup.jobId();
        }
    }

    /**
     * A job whose cut was taken.
     *
     * @param position among the transaction's backups
     * @param target empty for the archive
     */
    record Started(int position, BackupJob job, StartedBackup backup, Optional<OpenedTarget> target) {}

    /** What came of opening all targets. */
    sealed interface Opening {
        record Opened(StartingJobs jobs) implements Opening {}

        /** None is open. */
        record Refused(String description) implements Opening {}
    }

    private final NodeGraph graph;

    private StartingJobs(NodeGraph graph) {
        this.graph = graph;
    }

    /** Opens all targets, or none. The planner has looked at the actions before. */
    static Opening open(List<JobAction.Backup> backups, NodeGraph graph, SortedMap<DriveId, DriveState> states) {
        StartingJobs starting = new StartingJobs(graph);
        TargetOpener opener = new TargetOpener(graph);
        for (JobAction.Backup backup : backups) {
            DriveId drive = new DriveId(backup.action().node());
            Optional<OpenedTarget> target = Optional.empty();
            if (!(backup.target() instanceof JobAction.Target.Archive)) {
                long sizeBytes = Objects.requireNonNull(states.get(drive)).sizeBytes();
                switch (opener.open(graph.tracked(drive).orElseThrow(), sizeBytes, backup.target())) {
                    case TargetOpener.Opening.Opened(OpenedTarget opened) -> target = Optional.of(opened);
                    case TargetOpener.Opening.Refused(String why) -> {
                        starting.abort();
                        return new Opening.Refused(why);
                    }
                }
            }
            Node source = graph.tracked(drive).orElseThrow();
            starting.jobs.add(new Starting(starting.jobs.size(), backup, drive, source, target));
        }
        return new Opening.Opened(starting);
    }

    /** Gives the targets up, as if they hadn't been opened. */
    void abort() {
        for (Starting job : jobs) {
            try {
                if (job.target().isPresent()) {
                    job.target().get().abort();
                }
            } catch (IOException e) {
                LOG.warn("job {}: its target couldn't be given up: {}", job.id(), e.getMessage());
            }
        }
    }

    /** @param backups as the agent gives them: by drive, and then in the order of the actions */
    List<Started> started(List<StartedBackup> backups) {
        Invariant.check(backups.size() == jobs.size(), "a started backup for each job");
        List<Starting> byDrive =
                jobs.stream().sorted(Comparator.comparing(Starting::drive)).toList();
        List<Started> started = new ArrayList<>();
        for (int index = 0; index < byDrive.size(); index++) {
            Starting job = byDrive.get(index);
            StartedBackup backup = backups.get(index);
            NodeUse use = new NodeUse.Job("backup");
            graph.begin(job.source(), use);
            BackupJob running = new BackupJob(job.backup(), job.drive(), backup, () -> graph.end(job.source(), use));
            started.add(new Started(job.position(), running, backup, job.target()));
        }
        started.sort(Comparator.comparingInt(Started::position));
        return started;
    }
}
