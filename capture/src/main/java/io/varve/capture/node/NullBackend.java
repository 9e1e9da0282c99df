package io.varve.capture.node;

import io.varve.capture.backend.Backend;
import io.varve.capture.backend.ZeroMode;
import io.varve.formats.nbd.StatusExtent;
import java.nio.ByteBuffer;
import java.util.List;

/** Takes writes and forgets them; reads as zeros (QEMU's null-co, which reads as anything unless it's told). */
record NullBackend(long sizeBytes) implements Backend {
    @Override
    public void read(long offsetBytes, ByteBuffer into) {
        while (into.remaining() >= Long.BYTES) {
            into.putLong(0);
        }
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
        return List.of(new StatusExtent(lengthBytes, StatusExtent.ZERO | StatusExtent.HOLE));
    }

    @Override
    public void close() {}
}
