package io.varve.capture.nbd;

import io.varve.capture.backend.RequestFailedException;
import io.varve.capture.backend.ZeroMode;
import io.varve.formats.nbd.NbdError;
import io.varve.formats.nbd.StatusExtent;
import io.varve.formats.nbd.TransmissionFlag;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.List;
import java.util.Set;

/** An export that fails all requests from its removal on. */
final class RetirableExport implements Export {
    private final String name;
    private final Export export;
    private volatile boolean retired;

    RetirableExport(String name, Export export) {
        this.name = name;
        this.export = export;
    }

    void retire() {
        retired = true;
    }

    @Override
    public long sizeBytes() {
        return export.sizeBytes();
    }

    @Override
    public Set<TransmissionFlag> flags() {
        return export.flags();
    }

    @Override
    public List<String> metaContexts() {
        return export.metaContexts();
    }

    @Override
    public void read(long offsetBytes, ByteBuffer into) throws IOException {
        checkPresent();
        export.read(offsetBytes, into);
    }

    @Override
    public boolean readAtOnce(long offsetBytes, ByteBuffer into) throws IOException {
        checkPresent();
        return export.readAtOnce(offsetBytes, into);
    }

    @Override
    public long zeroBytes(long offsetBytes, long lengthBytes) throws IOException {
        checkPresent();
        return export.zeroBytes(offsetBytes, lengthBytes);
    }

    @Override
    public void willRead(long offsetBytes, long lengthBytes) {
        export.willRead(offsetBytes, lengthBytes);
    }

    @Override
    public void write(long offsetBytes, ByteBuffer data, Completion completion) {
        if (isPresent(completion)) {
            export.write(offsetBytes, data, completion);
        }
    }

    @Override
    public void writeZeroes(long offsetBytes, long lengthBytes, ZeroMode mode, Completion completion) {
        if (isPresent(completion)) {
            export.writeZeroes(offsetBytes, lengthBytes, mode, completion);
        }
    }

    @Override
    public void trim(long offsetBytes, long lengthBytes, Completion completion) {
        if (isPresent(completion)) {
            export.trim(offsetBytes, lengthBytes, completion);
        }
    }

    @Override
    public void flush(Completion completion) {
        if (isPresent(completion)) {
            export.flush(completion);
        }
    }

    @Override
    public List<StatusExtent> blockStatus(String context, long offsetBytes, long lengthBytes, int extentsMax)
            throws IOException {
        checkPresent();
        return export.blockStatus(context, offsetBytes, lengthBytes, extentsMax);
    }

    private void checkPresent() throws IOException {
        if (retired) {
            throw new RequestFailedException(NbdError.ESHUTDOWN, gone());
        }
    }

    private boolean isPresent(Completion completion) {
        if (retired) {
            completion.failed(NbdError.ESHUTDOWN, gone());
        }
        return !retired;
    }

    private String gone() {
        return "export '" + name + "' was removed";
    }
}
