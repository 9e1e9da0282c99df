package io.varve.capture.node;

import io.varve.capture.backend.Backend;
import io.varve.capture.backend.ZeroMode;
import io.varve.formats.nbd.StatusExtent;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.List;

/** A file's node while the node above has the file open for itself: locks of one process exclude each other, too. */
record AbsentBackend(String node, long sizeBytes) implements Backend {
    private IOException absent() {
        return new IOException("node '" + node + "' is used by the node above it alone; use that one");
    }

    @Override
    public void read(long offsetBytes, ByteBuffer into) throws IOException {
        throw absent();
    }

    @Override
    public void write(long offsetBytes, ByteBuffer data) throws IOException {
        throw absent();
    }

    @Override
    public void zero(long offsetBytes, long lengthBytes, ZeroMode mode) throws IOException {
        throw absent();
    }

    @Override
    public void trim(long offsetBytes, long lengthBytes) throws IOException {
        throw absent();
    }

    @Override
    public void flush() {}

    @Override
    public List<StatusExtent> allocation(long offsetBytes, long lengthBytes, int extentsMax) throws IOException {
        throw absent();
    }

    @Override
    public void close() {}
}
