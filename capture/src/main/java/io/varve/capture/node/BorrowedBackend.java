package io.varve.capture.node;

import io.varve.capture.backend.Backend;
import io.varve.capture.backend.ZeroMode;
import io.varve.formats.nbd.StatusExtent;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.List;

/** A node's backend for one who closes what it's given: it stays open, for it's the node's. */
record BorrowedBackend(Backend lender) implements Backend {
    @Override
    public long sizeBytes() {
        return lender.sizeBytes();
    }

    @Override
    public boolean isRemote() {
        return lender.isRemote();
    }

    @Override
    public Backend undisturbed() {
        return lender.undisturbed();
    }

    @Override
    public long zeroBytes(long offsetBytes, long lengthBytes) throws IOException {
        return lender.zeroBytes(offsetBytes, lengthBytes);
    }

    @Override
    public boolean resize(long sizeBytes) throws IOException {
        return lender.resize(sizeBytes);
    }

    @Override
    public void read(long offsetBytes, ByteBuffer into) throws IOException {
        lender.read(offsetBytes, into);
    }

    @Override
    public boolean readAtOnce(long offsetBytes, ByteBuffer into) throws IOException {
        return lender.readAtOnce(offsetBytes, into);
    }

    @Override
    public void willRead(long offsetBytes, long lengthBytes) {
        lender.willRead(offsetBytes, lengthBytes);
    }

    @Override
    public void write(long offsetBytes, ByteBuffer data) throws IOException {
        lender.write(offsetBytes, data);
    }

    @Override
    public void zero(long offsetBytes, long lengthBytes, ZeroMode mode) throws IOException {
        lender.zero(offsetBytes, lengthBytes, mode);
    }

    @Override
    public void trim(long offsetBytes, long lengthBytes) throws IOException {
        lender.trim(offsetBytes, lengthBytes);
    }

    @Override
    public void flush() throws IOException {
        lender.flush();
    }

    @Override
    public List<StatusExtent> allocation(long offsetBytes, long lengthBytes, int extentsMax) throws IOException {
        return lender.allocation(offsetBytes, lengthBytes, extentsMax);
    }

    @Override
    public void close() {}
}
