package io.varve.capture.backend;

import io.varve.formats.nbd.StatusExtent;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.List;

/**
 * A part of an image as one of its own, of a size that doesn't change; a request behind its end is the caller's bug.
 *
 * <p>Safe for any thread.
 *
 * @param startBytes where in {@code whole} it begins
 */
public record RangeBackend(Backend whole, long startBytes, long sizeBytes) implements Backend {
    @Override
    public void read(long offsetBytes, ByteBuffer into) throws IOException {
        whole.read(startBytes + offsetBytes, into);
    }

    @Override
    public boolean readAtOnce(long offsetBytes, ByteBuffer into) throws IOException {
        return whole.readAtOnce(startBytes + offsetBytes, into);
    }

    @Override
    public void willRead(long offsetBytes, long lengthBytes) {
        whole.willRead(startBytes + offsetBytes, lengthBytes);
    }

    @Override
    public long zeroBytes(long offsetBytes, long lengthBytes) throws IOException {
        return whole.zeroBytes(startBytes + offsetBytes, lengthBytes);
    }

    @Override
    public boolean isRemote() {
        return whole.isRemote();
    }

    @Override
    public void awaitServer(boolean isAwaited) {
        whole.awaitServer(isAwaited);
    }

    @Override
    public void write(long offsetBytes, ByteBuffer data) throws IOException {
        whole.write(startBytes + offsetBytes, data);
    }

    @Override
    public void zero(long offsetBytes, long lengthBytes, ZeroMode mode) throws IOException {
        whole.zero(startBytes + offsetBytes, lengthBytes, mode);
    }

    @Override
    public void trim(long offsetBytes, long lengthBytes) throws IOException {
        whole.trim(startBytes + offsetBytes, lengthBytes);
    }

    @Override
    public void flush() throws IOException {
        whole.flush();
    }

    @Override
    public List<StatusExtent> allocation(long offsetBytes, long lengthBytes, int extentsMax) throws IOException {
        return whole.allocation(startBytes + offsetBytes, lengthBytes, extentsMax);
    }

    @Override
    public void close() throws IOException {
        whole.close();
    }
}
