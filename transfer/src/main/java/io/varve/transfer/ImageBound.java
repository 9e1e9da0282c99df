package io.varve.transfer;

import io.varve.formats.qcow2.ClusterSize;
import io.varve.formats.qcow2.ImageGeometry;
import io.varve.transfer.source.ClusterSource;
import io.varve.transfer.target.PartPlan;
import java.util.Optional;

/** How long an image may become, which its parts' size depends on. */
final class ImageBound {
    private ImageBound() {}

    /**
     * An upper bound. Known zeros are counted only when the bound would make the parts larger than usual, since that
     * takes a look at the whole drive.
     */
    static long bytes(CopyJob job, ClusterSource source, int partsMax) throws ReadFailedException {
        ImageGeometry geometry = job.geometry();
        PlannedClusters planned = PlannedClusters.of(job.plan(), geometry);
        long clusters = planned.count();
        long imageBytes = geometry.fileBytesMax(clusters, clusters);
        if (imageBytes <= (long) partsMax * PartPlan.PART_BYTES) {
            return imageBytes;
        }
        long zeros = knownZeros(planned, new ZeroClusters(source, geometry.clusterSize()));
        return geometry.fileBytesMax(clusters, clusters - zeros);
    }

    private static long knownZeros(PlannedClusters planned, ZeroClusters zeros) throws ReadFailedException {
        CopySteps steps = new CopySteps(planned, zeros, Long.MAX_VALUE / ClusterSize.MAX_BYTES);
        long count = 0;
        for (Optional<CopySteps.Step> step = steps.next(); step.isPresent(); step = steps.next()) {
            if (step.get() instanceof CopySteps.Step.Zeros(ClusterRun run)) {
                count += run.count();
            }
        }
        return count;
    }
}
