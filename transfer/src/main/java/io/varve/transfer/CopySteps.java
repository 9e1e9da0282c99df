package io.varve.transfer;

import java.util.Optional;

/**
 * What a copy does, in the order of the drive: reads a few clusters, or takes a run as zeros unread.
 *
 * <p>Thread: one.
 */
final class CopySteps {
    /** One step. */
    sealed interface Step {
        ClusterRun run();

        record Read(ClusterRun run) implements Step {}

        record Zeros(ClusterRun run) implements Step {}
    }

    private final PlannedClusters planned;
    private final ZeroClusters zeros;
    private final long readClusters;
    private long position;

    /** @param readClusters how many are read at once */
    CopySteps(PlannedClusters planned, ZeroClusters zeros, long readClusters) {
        this.planned = planned;
        this.zeros = zeros;
        this.readClusters = readClusters;
    }

    Optional<Step> next() throws ReadFailedException {
        Optional<ClusterRun> run = planned.next(position);
        if (run.isEmpty()) {
            return Optional.empty();
        }
        ZeroClusters.Stretch stretch =
                zeros.stretch(run.get().first(), run.get().end());
        Step step = stretch.isZero() ? new Step.Zeros(stretch.run()) : new Step.Read(bounded(stretch.run()));
        position = step.run().end();
        return Optional.of(step);
    }

    private ClusterRun bounded(ClusterRun run) {
        return new ClusterRun(run.first(), Math.min(run.end(), run.first() + readClusters));
    }
}
