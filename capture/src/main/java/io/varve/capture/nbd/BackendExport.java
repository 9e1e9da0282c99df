package io.varve.capture.nbd;

import io.varve.capture.backend.Backend;
import io.varve.capture.backend.BackendAccess;
import io.varve.capture.backend.RequestFailedException;
import io.varve.capture.backend.UnknownOutcomeException;
import io.varve.capture.backend.ZeroMode;
import io.varve.formats.nbd.StatusExtent;
import io.varve.formats.nbd.TransmissionFlag;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.List;
import java.util.Set;
import java.util.concurrent.Executor;

/** A backend as it is, without tracking. It doesn't own the backend. */
public final class BackendExport implements Export {
    private final Backend backend;
    private final BackendAccess access;
    private final GroupFlush flushes;

    /** Exports {@code backend}; flushes run on {@code flushExecutor}, which must not interrupt its threads. */
    public BackendExport(Backend backend, BackendAccess access, Executor flushExecutor) {
        this.backend = backend;
        this.access = access;
        this.flushes = new GroupFlush(backend, flushExecutor);
    }

    @Override
    public long sizeBytes() {
        return backend.sizeBytes();
    }

    @Override
    public Set<TransmissionFlag> flags() {
        return switch (access) {
            case READ_ONLY -> TransmissionFlag.UNWRITABLE;
            case READ_WRITE -> TransmissionFlag.WRITABLE;
        };
    }

    @Override
    public List<String> metaContexts() {
        return List.of(StatusExtent.BASE_ALLOCATION);
    }

    @Override
    public void read(long offsetBytes, ByteBuffer into) throws IOException {
        backend.read(offsetBytes, into);
    }

    @Override
    public boolean readAtOnce(long offsetBytes, ByteBuffer into) throws IOException {
        return backend.readAtOnce(offsetBytes, into);
    }

    @Override
    public long zeroBytes(long offsetBytes, long lengthBytes) throws IOException {
        return backend.zeroBytes(offsetBytes, lengthBytes);
    }

    @Override
    public void willRead(long offsetBytes, long lengthBytes) {
        backend.willRead(offsetBytes, lengthBytes);
    }

    @Override
    public void write(long offsetBytes, ByteBuffer data, Completion completion) {
        try {
            backend.write(offsetBytes, data);
        } catch (IOException e) {
            fail(completion, e);
            return;
        }
        completion.done();
    }

    @Override
    public void writeZeroes(long offsetBytes, long lengthBytes, ZeroMode mode, Completion completion) {
        try {
            backend.zero(offsetBytes, lengthBytes, mode);
        } catch (IOException e) {
            fail(completion, e);
            return;
        }
        completion.done();
    }

    @Override
    public void trim(long offsetBytes, long lengthBytes, Completion completion) {
        try {
            backend.trim(offsetBytes, lengthBytes);
        } catch (IOException e) {
            fail(completion, e);
            return;
        }
        completion.done();
    }

    @Override
    public void flush(Completion completion) {
        flushes.flush(completion);
    }

    @Override
    public List<StatusExtent> blockStatus(String context, long offsetBytes, long lengthBytes, int extentsMax)
            throws IOException {
        return backend.allocation(offsetBytes, lengthBytes, extentsMax);
    }

    private static void fail(Completion completion, IOException e) {
        if (e instanceof UnknownOutcomeException) {
            completion.failedPerhaps(String.valueOf(e.getMessage()));
        } else {
            completion.failed(RequestFailedException.errorOf(e), String.valueOf(e.getMessage()));
        }
    }
}
