package io.varve.capture.backend;

import io.varve.formats.nbd.NbdError;
import io.varve.formats.nbd.StatusExtent;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;

/**
 * A backend whose requests fail by rules, as over QEMU's blkdebug: for tests, of Varve and of what stands on it. A
 * request that fails does so before it reaches the backend below.
 *
 * <p>Safe for any thread.
 */
public final class FaultBackend implements Backend {
    private final Backend backend;
    private FaultRules rules; // Guarded by this, as all that follow.
    private final Map<String, FaultEvent> breaks = new HashMap<>();
    private final Set<String> suspended = new HashSet<>();
    private boolean closed;

    /** Owns {@code backend}: it's closed with this one. */
    public FaultBackend(Backend backend, FaultRules rules) {
        this.backend = backend;
        this.rules = rules;
    }

    /** The rules as they are now. */
    public synchronized FaultRules rules() {
        return rules;
    }

    /** Lets the next request that meets {@code event} wait until the break of this tag is removed. */
    public synchronized void breakAt(FaultEvent event, String tag) {
        breaks.put(tag + event, event);
    }

    /** Removes the breaks of a tag; who waits there goes on. Gives whether there was any. */
    public synchronized boolean removeBreak(String tag) {
        boolean removed = false;
        for (FaultEvent event : FaultEvent.values()) {
            removed |= breaks.remove(tag + event) != null;
            removed |= suspended.remove(tag + event);
        }
        notifyAll();
        return removed;
    }

    /** An interrupt doesn't end the wait: it's that of a thread whose request isn't over. */
    private synchronized void passBreak(FaultEvent event) {
        Optional<String> met = breaks.entrySet().stream()
                .filter(entry -> entry.getValue() == event)
                .map(Map.Entry::getKey)
                .findFirst();
        if (met.isEmpty()) {
            return;
        }
        breaks.remove(met.get());
        suspended.add(met.get());
        boolean interrupted = false;
        while (suspended.contains(met.get()) && !closed) {
            try {
                wait();
            } catch (InterruptedException e) {
                interrupted = true;
            }
        }
        if (interrupted) {
            Thread.currentThread().interrupt();
        }
    }

    private synchronized Optional<FaultRule.InjectError> next(FaultEvent event, long offsetBytes, long lengthBytes) {
        FaultRules.Evaluation evaluation = rules.on(event, offsetBytes, lengthBytes);
        rules = evaluation.next();
        return evaluation.fault();
    }

    private void pass(FaultEvent event, long offsetBytes, long lengthBytes) throws IOException {
        passBreak(event);
        Optional<FaultRule.InjectError> fault = next(event, offsetBytes, lengthBytes);
        if (fault.isPresent()) {
            int errno = fault.get().errno();
            throw new RequestFailedException(
                    errorOf(errno),
                    "error " + errno + " was injected at " + event + " of " + lengthBytes + " bytes at " + offsetBytes);
        }
    }

    private static NbdError errorOf(int errno) {
        NbdError error = NbdError.of(errno);
        return error.code() == errno ? error : NbdError.EIO;
    }

    @Override
    public Backend undisturbed() {
        return backend;
    }

    @Override
    public void awaitServer(boolean isAwaited) {
        backend.awaitServer(isAwaited);
    }

    @Override
    public boolean isRemote() {
        return backend.isRemote();
    }

    @Override
    public long sizeBytes() {
        return backend.sizeBytes();
    }

    @Override
    public void read(long offsetBytes, ByteBuffer into) throws IOException {
        pass(FaultEvent.READ_AIO, offsetBytes, into.remaining());
        backend.read(offsetBytes, into);
    }

    @Override
    public void willRead(long offsetBytes, long lengthBytes) {
        backend.willRead(offsetBytes, lengthBytes);
    }

    @Override
    public void write(long offsetBytes, ByteBuffer data) throws IOException {
        pass(FaultEvent.WRITE_AIO, offsetBytes, data.remaining());
        backend.write(offsetBytes, data);
    }

    @Override
    public void zero(long offsetBytes, long lengthBytes, ZeroMode mode) throws IOException {
        pass(FaultEvent.WRITE_AIO, offsetBytes, lengthBytes);
        backend.zero(offsetBytes, lengthBytes, mode);
    }

    @Override
    public void trim(long offsetBytes, long lengthBytes) throws IOException {
        pass(FaultEvent.WRITE_AIO, offsetBytes, lengthBytes);
        backend.trim(offsetBytes, lengthBytes);
    }

    @Override
    public void flush() throws IOException {
        pass(FaultEvent.FLUSH_TO_DISK, 0, 0);
        backend.flush();
    }

    @Override
    public boolean resize(long sizeBytes) throws IOException {
        return backend.resize(sizeBytes);
    }

    @Override
    public List<StatusExtent> allocation(long offsetBytes, long lengthBytes, int extentsMax) throws IOException {
        return backend.allocation(offsetBytes, lengthBytes, extentsMax);
    }

    @Override
    public void close() throws IOException {
        synchronized (this) {
            closed = true;
            notifyAll();
        }
        backend.close();
    }
}
