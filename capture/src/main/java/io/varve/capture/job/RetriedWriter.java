package io.varve.capture.job;

import io.varve.archive.store.StoredParts;
import io.varve.core.job.Operation;
import io.varve.transfer.target.ImageWriter;
import io.varve.transfer.target.RawWriter;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.Optional;

/** A raw file's clusters, written again where the job wants that. */
record RetriedWriter(RawWriter writer, Retrying retrying) implements ImageWriter {
    @Override
    public String describe() {
        return writer.describe();
    }

    @Override
    public long data(long cluster, ByteBuffer bytes) throws IOException {
        long[] place = new long[1];
        retrying.run(Operation.WRITE, () -> place[0] = writer.data(cluster, bytes.duplicate()));
        return place[0];
    }

    @Override
    public void zero(long cluster) throws IOException {
        retrying.run(Operation.WRITE, () -> writer.zero(cluster));
    }

    @Override
    public void finish() throws IOException {
        writer.finish();
    }

    @Override
    public Optional<StoredParts> complete() throws IOException {
        return writer.complete();
    }

    @Override
    public void abort() throws IOException {
        writer.abort();
    }
}
