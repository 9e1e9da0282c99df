package io.varve.capture.filter;

import io.varve.capture.backend.Backend;
import io.varve.capture.backend.ZeroMode;
import io.varve.formats.nbd.StatusExtent;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.List;

/**
 * A drive whose writes keep old content first (QEMU's copy-before-write).
 *
 * @param file the drive
 */
public record CopyBeforeWriteBackend(Backend file, CopyBeforeWrite kept) implements Backend {
    @Override
    public long sizeBytes() {
        return file.sizeBytes();
    }

    @Override
    public void read(long offsetBytes, ByteBuffer into) throws IOException {
        file.read(offsetBytes, into);
    }

    @Override
    public boolean readAtOnce(long offsetBytes, ByteBuffer into) throws IOException {
        return file.readAtOnce(offsetBytes, into);
    }

    @Override
    public void willRead(long offsetBytes, long lengthBytes) {
        file.willRead(offsetBytes, lengthBytes);
    }

    @Override
    public long zeroBytes(long offsetBytes, long lengthBytes) throws IOException {
        return file.zeroBytes(offsetBytes, lengthBytes);
    }

    @Override
    public boolean isRemote() {
        return file.isRemote();
    }

    @Override
    public void write(long offsetBytes, ByteBuffer data) throws IOException {
        kept.preserve(offsetBytes, data.remaining());
        file.write(offsetBytes, data);
    }

    @Override
    public void zero(long offsetBytes, long lengthBytes, ZeroMode mode) throws IOException {
        kept.preserve(offsetBytes, lengthBytes);
        file.zero(offsetBytes, lengthBytes, mode);
    }

    @Override
    public void trim(long offsetBytes, long lengthBytes) throws IOException {
        kept.preserve(offsetBytes, lengthBytes);
        file.trim(offsetBytes, lengthBytes);
    }

    @Override
    public void flush() throws IOException {
        file.flush();
    }

    @Override
    public List<StatusExtent> allocation(long offsetBytes, long lengthBytes, int extentsMax) throws IOException {
        return file.allocation(offsetBytes, lengthBytes, extentsMax);
    }

    @Override
    public void close() throws IOException {
        file.close();
    }
}
