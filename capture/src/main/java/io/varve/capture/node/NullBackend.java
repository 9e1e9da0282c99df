package io.varve.capture.node;

import io.varve.capture.backend.Backend;
import io.varve.capture.backend.ZeroMode;
import io.varve.formats.nbd.StatusExtent;
import java.nio.ByteBuffer;
import java.util.List;
import java.util.concurrent.locks.LockSupport;
import java.util.function.LongSupplier;

/**
 * Takes writes and forgets them; reads as zeros (QEMU's null-co, which reads as anything unless it's told).
 *
 * @param latencyNanos how long each request takes at least
 * @param nanos a clock that never goes back
 */
record NullBackend(long sizeBytes, long latencyNanos, LongSupplier nanos) implements Backend {
    private void dally() {
        if (latencyNanos == 0) {
            return;
        }
        long beganNanos = nanos.getAsLong();
        long left = latencyNanos;
        while (left > 0) {
            LockSupport.parkNanos(left); // May return early.
            left = latencyNanos - (nanos.getAsLong() - beganNanos);
        }
    }

    @Override
    public void read(long offsetBytes, ByteBuffer into) {
        dally();
        while (into.remaining() >= Long.BYTES) {
            into.putLong(0);
        }
        while (into.hasRemaining()) {
            into.put((byte) 0);
        }
    }

    @Override
    public void write(long offsetBytes, ByteBuffer data) {
        dally();
        data.position(data.limit());
    }

    @Override
    public void zero(long offsetBytes, long lengthBytes, ZeroMode mode) {
        dally();
    }

    @Override
    public void trim(long offsetBytes, long lengthBytes) {
        dally();
    }

    @Override
    public void flush() {
        dally();
    }

    @Override
    public List<StatusExtent> allocation(long offsetBytes, long lengthBytes, int extentsMax) {
        return List.of(new StatusExtent(lengthBytes, StatusExtent.ZERO | StatusExtent.HOLE));
    }

    @Override
    public void close() {}
}
