package io.varve.capture.filter;

import io.varve.capture.backend.Backend;
import io.varve.capture.backend.RequestFailedException;
import io.varve.capture.backend.ZeroMode;
import io.varve.formats.nbd.NbdError;
import io.varve.formats.nbd.StatusExtent;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;

/** The point in time that a copy-before-write node keeps, as a drive to read (QEMU's snapshot-access). */
public record SnapshotAccessBackend(CopyBeforeWrite kept) implements Backend {
    @Override
    public long sizeBytes() {
        return kept.sizeBytes();
    }

    @Override
    public void read(long offsetBytes, ByteBuffer into) throws IOException {
        kept.read(offsetBytes, into);
    }

    @Override
    public void write(long offsetBytes, ByteBuffer data) throws IOException {
        throw unsupported();
    }

    @Override
    public void zero(long offsetBytes, long lengthBytes, ZeroMode mode) throws IOException {
        throw unsupported();
    }

    /** What was read isn't needed any more. */
    @Override
    public void trim(long offsetBytes, long lengthBytes) throws IOException {
        kept.discard(offsetBytes, lengthBytes);
    }

    @Override
    public void flush() {}

    @Override
    public List<StatusExtent> allocation(long offsetBytes, long lengthBytes, int extentsMax) throws IOException {
        List<StatusExtent> extents = new ArrayList<>();
        long endBytes = offsetBytes + lengthBytes;
        for (long at = offsetBytes; at < endBytes && extents.size() < extentsMax; ) {
            StatusExtent next = kept.status(at, endBytes - at);
            extents.add(next);
            at += next.lengthBytes();
        }
        return extents;
    }

    @Override
    public void close() {}

    private static IOException unsupported() {
        return new RequestFailedException(NbdError.ENOTSUP, "a point in time can't be written");
    }
}
