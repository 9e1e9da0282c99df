package io.varve.bench;

import io.varve.capture.backend.Backend;
import io.varve.capture.backend.ZeroMode;
import io.varve.formats.nbd.StatusExtent;
import java.nio.ByteBuffer;
import java.util.List;

/** A disk of zeroes that takes every write and does nothing with it, so that what's measured is the way to it. */
record IdleBackend(long sizeBytes) implements Backend {

    @Override
    public void read(long offsetBytes, ByteBuffer into) {
        while (into.hasRemaining()) {
            into.put((byte) 0);
        }
    }

    @Override
    public void write(long offsetBytes, ByteBuffer data) {
        data.position(data.limit());
    }

    @Override
    public void zero(long offsetBytes, long lengthBytes, ZeroMode mode) {}

    @Override
    public void trim(long offsetBytes, long lengthBytes) {}

    @Override
    public void flush() {}

    @Override
    public List<StatusExtent> allocation(long offsetBytes, long lengthBytes, int extentsMax) {
        return List.of(new StatusExtent(lengthBytes, 0));
    }

    @Override
    public void close() {}
}
