package io.varve.capture.job;

import io.varve.capture.backend.qcow2.Qcow2Backend;
import io.varve.capture.node.Node;
import io.varve.core.bits.Granularity;
import io.varve.core.bits.Marks;
import io.varve.transfer.CopyPlan;
import java.io.IOException;
import java.util.Optional;

/** What sync mode 'top' copies: what an image holds itself. */
final class TopLayer {
    private TopLayer() {}

    /**
     * What the image holds now, which is what it held at the point in time, and perhaps what was written since: of that
     * the point in time shows what lies under the image, so it's the right content, too.
     */
    static CopyPlan plan(Node source) throws IOException {
        Optional<Qcow2Backend> image = source.qcow2();
        if (image.isEmpty()) {
            return new CopyPlan.Whole();
        }
        Marks own = Marks.none(
                new Granularity(image.get().header().clusterSize().bytes()),
                image.get().sizeBytes());
        image.get().forEachOwn(own::mark);
        return new CopyPlan.Cut(own);
    }
}
