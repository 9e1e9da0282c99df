package io.varve.capture.tracking;

import io.varve.capture.backend.Backend;
import io.varve.capture.backend.ZeroMode;
import io.varve.formats.nbd.StatusExtent;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.List;

/** A backend that tells a test of every access before it's made; what the test throws, the backend does. */
final class WatchedBackend implements Backend {
    private final Backend backend;
    private volatile Watcher changes = (offsetBytes, lengthBytes) -> {};
    private volatile Watcher reads = (offsetBytes, lengthBytes) -> {};
    private volatile Watcher flushes = (offsetBytes, lengthBytes) -> {};

    /** Called on the thread of the access. */
    interface Watcher {
        void before(long offsetBytes, long lengthBytes) throws IOException;
    }

    WatchedBackend(Backend backend) {
        this.backend = backend;
    }

    void onChange(Watcher watcher) {
        changes = watcher;
    }

    void onRead(Watcher watcher) {
        reads = watcher;
    }

    void onFlush(Watcher watcher) {
        flushes = watcher;
    }

    @Override
    public long sizeBytes() {
        return backend.sizeBytes();
    }

    @Override
    public void read(long offsetBytes, ByteBuffer into) throws IOException {
        reads.before(offsetBytes, into.remaining());
        backend.read(offsetBytes, into);
    }

    @Override
    public void write(long offsetBytes, ByteBuffer data) throws IOException {
        changes.before(offsetBytes, data.remaining());
        backend.write(offsetBytes, data);
    }

    @Override
    public void zero(long offsetBytes, long lengthBytes, ZeroMode mode) throws IOException {
        changes.before(offsetBytes, lengthBytes);
        backend.zero(offsetBytes, lengthBytes, mode);
    }

    @Override
    public void trim(long offsetBytes, long lengthBytes) throws IOException {
        changes.before(offsetBytes, lengthBytes);
        backend.trim(offsetBytes, lengthBytes);
    }

    @Override
    public void flush() throws IOException {
        flushes.before(0, 0);
        backend.flush();
    }

    @Override
    public List<StatusExtent> allocation(long offsetBytes, long lengthBytes, int extentsMax) throws IOException {
        return backend.allocation(offsetBytes, lengthBytes, extentsMax);
    }

    @Override
    public void close() throws IOException {
        backend.close();
    }
}
