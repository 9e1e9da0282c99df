package io.varve.transfer;

import io.varve.core.bits.Granularity;
import io.varve.core.bits.HierarchicalBitSet;
import io.varve.core.bits.Marks;
import io.varve.formats.qcow2.ClusterSize;
import io.varve.formats.qcow2.ImageGeometry;
import java.util.Optional;

/** The clusters that a plan takes of a drive. */
sealed interface PlannedClusters {
    static PlannedClusters of(CopyPlan plan, ImageGeometry geometry) {
        return switch (plan) {
            case CopyPlan.Whole _ -> new All(geometry.clusters());
            case CopyPlan.Cut(Marks marks) ->
                new Marked(widened(marks, new Granularity(geometry.clusterSize().bytes())));
        };
    }

    private static HierarchicalBitSet widened(Marks marks, Granularity cluster) {
        return marks.granularity().equals(cluster)
                ? marks.bits()
                : marks.copyAt(cluster).bits();
    }

    /** How many there are. */
    long count();

    /** The first run that begins at {@code from} or behind it. */
    Optional<ClusterRun> next(long from);

    /** How many bytes of a drive of {@code sizeBytes} they are. */
    default long bytes(ClusterSize clusterSize, long sizeBytes) {
        long bytes = 0;
        for (Optional<ClusterRun> run = next(0);
                run.isPresent();
                run = next(run.get().end())) {
            bytes += run.get().bytes(clusterSize, sizeBytes);
        }
        return bytes;
    }

    /** All of the drive's. */
    record All(long count) implements PlannedClusters {
        @Override
        public Optional<ClusterRun> next(long from) {
            return from < count ? Optional.of(new ClusterRun(from, count)) : Optional.empty();
        }
    }

    /** Those with a set bit. */
    record Marked(HierarchicalBitSet bits) implements PlannedClusters {
        @Override
        public long count() {
            return bits.cardinality();
        }

        @Override
        public Optional<ClusterRun> next(long from) {
            long first = from < bits.bitCount() ? bits.nextSet(from) : -1;
            return first < 0 ? Optional.empty() : Optional.of(new ClusterRun(first, bits.nextClear(first)));
        }
    }
}
