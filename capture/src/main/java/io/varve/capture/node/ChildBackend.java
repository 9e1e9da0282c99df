package io.varve.capture.node;

import io.varve.capture.backend.Backend;
import io.varve.capture.backend.ZeroMode;
import io.varve.formats.nbd.StatusExtent;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.List;

/**
 * A node as the file of another one: its writes go where all writes to the child go, so the child's bitmaps see them.
 */
record ChildBackend(Node child) implements Backend {
    @Override
    public long sizeBytes() {
        return child.backend().sizeBytes();
    }

    @Override
    public void awaitServer(boolean isAwaited) {
        child.backend().awaitServer(isAwaited);
    }

    @Override
    public boolean isRemote() {
        return child.backend().isRemote();
    }

    @Override
    public boolean readAtOnce(long offsetBytes, ByteBuffer into) throws IOException {
        return child.backend().readAtOnce(offsetBytes, into);
    }

    @Override
    public void willRead(long offsetBytes, long lengthBytes) {
        child.backend().willRead(offsetBytes, lengthBytes);
    }

    @Override
    public long zeroBytes(long offsetBytes, long lengthBytes) throws IOException {
        return child.backend().zeroBytes(offsetBytes, lengthBytes);
    }

    @Override
    public boolean resize(long sizeBytes) throws IOException {
        return child.backend().resize(sizeBytes);
    }

    @Override
    public void read(long offsetBytes, ByteBuffer into) throws IOException {
        child.backend().read(offsetBytes, into);
    }

    @Override
    public void write(long offsetBytes, ByteBuffer data) throws IOException {
        child.io().writeNow(offsetBytes, data);
    }

    @Override
    public void zero(long offsetBytes, long lengthBytes, ZeroMode mode) throws IOException {
        child.io().zeroNow(offsetBytes, lengthBytes, mode);
    }

    @Override
    public void trim(long offsetBytes, long lengthBytes) throws IOException {
        child.io().trimNow(offsetBytes, lengthBytes);
    }

    @Override
    public void flush() throws IOException {
        child.io().flushNow();
    }

    @Override
    public List<StatusExtent> allocation(long offsetBytes, long lengthBytes, int extentsMax) throws IOException {
        return child.backend().allocation(offsetBytes, lengthBytes, extentsMax);
    }

    /** The child is its own. */
    @Override
    public void close() {}
}
