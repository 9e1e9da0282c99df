package io.varve.archive.sums;

import io.varve.archive.store.ObjectOutput;
import io.varve.archive.store.ObjectOutput.Written;
import java.io.IOException;
import java.nio.ByteBuffer;

/** Writes a backup's checksums, ascending by cluster, as a stream. Thread: its owner's only. */
public final class SumsWriter implements AutoCloseable {
    private static final int BUFFER_BYTES = 1000 * SumsFormat.RECORD_BYTES;

    private final ObjectOutput output;
    private final ByteBuffer buffer = ByteBuffer.allocate(BUFFER_BYTES);
    private long lastIndex = -1;

    /** Writes into {@code output}, and gives it up when this is closed without being finished. */
    public SumsWriter(ObjectOutput output, int clusterSizeBytes) {
        this.output = output;
        SumsFormat.putHeader(buffer, clusterSizeBytes);
    }

    /** Appends a cluster; it comes after all before it. */
    public void add(ClusterSum sum) throws IOException {
        if (sum.clusterIndex() <= lastIndex) {
            throw new IllegalArgumentException("cluster " + sum.clusterIndex() + " after cluster " + lastIndex);
        }
        lastIndex = sum.clusterIndex();
        if (buffer.remaining() < SumsFormat.RECORD_BYTES) {
            flush();
        }
        SumsFormat.putRecord(buffer, sum);
    }

    private void flush() throws IOException {
        output.write(buffer.array(), 0, buffer.position());
        buffer.clear();
    }

    /** Makes the object appear. */
    public Written finish() throws IOException {
        flush();
        return output.finish();
    }

    @Override
    public void close() {
        output.close();
    }
}
