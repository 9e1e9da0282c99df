package io.varve.capture.job;

import io.varve.archive.store.StoredParts;
import io.varve.core.job.Operation;
import io.varve.transfer.target.ImageTarget;
import java.io.IOException;
import java.nio.ByteBuffer;

/** An image's parts, written again where the job wants that. */
record RetriedTarget(ImageTarget target, Retrying retrying) implements ImageTarget {
    @Override
    public String describe() {
        return target.describe();
    }

    @Override
    public int partsMax() {
        return target.partsMax();
    }

    @Override
    public void writePart(int number, long offsetBytes, ByteBuffer bytes) throws IOException {
        retrying.run(Operation.WRITE, () -> target.writePart(number, offsetBytes, bytes.duplicate()));
    }

    @Override
    public StoredParts complete() throws IOException {
        return target.complete();
    }

    @Override
    public void abort() throws IOException {
        target.abort();
    }
}
