package io.varve.capture.node;

import io.varve.capture.backend.RequestFailedException;
import io.varve.capture.backend.UnknownOutcomeException;
import io.varve.capture.backend.ZeroMode;
import io.varve.capture.nbd.Completion;
import io.varve.capture.nbd.Export;
import io.varve.formats.nbd.NbdError;
import io.varve.formats.nbd.StatusExtent;
import io.varve.formats.nbd.TransmissionFlag;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.List;
import java.util.Set;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;

/**
 * Where all writes to a node go, whoever makes them. At first they go to the untracked export; {@link #track} lets
 * those that have begun end, holds new ones meanwhile, and sends all later ones to the tracked export: so each write is
 * either done before the node's first bitmap, or marked.
 *
 * <p>Safe for any thread. A write to a tracked node costs one volatile read here.
 */
public final class NodeIo implements Export {
    private final ReentrantLock lock = new ReentrantLock();
    private final Condition idle = lock.newCondition();
    private final NodeCounters counters = new NodeCounters();
    private volatile Export export;
    private volatile boolean tracked;
    private volatile boolean readOnly;
    private int inFlight; // Guarded by lock.

    NodeIo(Export untracked, boolean readOnly) {
        this.export = untracked;
        this.readOnly = readOnly;
    }

    public NodeCounters counters() {
        return counters;
    }

    /** Makes the tracked export, while no write is in flight. */
    @FunctionalInterface
    interface Tracking {
        Export begin() throws IOException;
    }

    void track(Tracking tracking) throws IOException {
        lock.lock();
        try {
            while (inFlight > 0) {
                idle.awaitUninterruptibly();
            }
            export = tracking.begin();
            tracked = true;
        } finally {
            lock.unlock();
        }
    }

    void readOnly(boolean other) {
        readOnly = other;
    }

    boolean isTracked() {
        return tracked;
    }

    /** One change that the untracked export makes. */
    private interface Change {
        void make(Export export, Completion completion);
    }

    private void change(Change change, Completion completion) {
        if (readOnly) {
            completion.failed(NbdError.EPERM, "the node is read-only");
            return;
        }
        Completion end = tracked ? completion : admitted(completion);
        // Looked at only now: while the write waited to be admitted, it may have become another.
        try {
            change.make(export, end);
        } catch (RuntimeException | Error e) {
            if (end instanceof Counted counted) {
                counted.ended();
            }
            throw e;
        }
    }

    private Completion admitted(Completion completion) {
        lock.lock();
        try {
            if (tracked) {
                return completion;
            }
            inFlight++;
            return new Counted(completion);
        } finally {
            lock.unlock();
        }
    }

    /** A write that {@link #track} waits for. */
    private final class Counted implements Completion {
        private final Completion next;
        private boolean over; // Guarded by lock.

        Counted(Completion next) {
            this.next = next;
        }

        /** Also where a bug ended the write, perhaps after it was told. */
        void ended() {
            lock.lock();
            try {
                inFlight -= over ? 0 : 1;
                over = true;
                if (inFlight == 0) {
                    idle.signalAll();
                }
            } finally {
                lock.unlock();
            }
        }

        @Override
        public boolean isAwaited() {
            return next.isAwaited();
        }

        @Override
        public void done() {
            ended();
            next.done();
        }

        @Override
        public void failed(NbdError error, String reason) {
            ended();
            next.failed(error, reason);
        }

        @Override
        public void failedPerhaps(String reason) {
            ended();
            next.failedPerhaps(reason);
        }
    }

    @Override
    public long sizeBytes() {
        return export.sizeBytes();
    }

    @Override
    public Set<TransmissionFlag> flags() {
        return readOnly ? TransmissionFlag.UNWRITABLE : TransmissionFlag.WRITABLE;
    }

    @Override
    public List<String> metaContexts() {
        return export.metaContexts();
    }

    @Override
    public void read(long offsetBytes, ByteBuffer into) throws IOException {
        counters.read(into.remaining());
        export.read(offsetBytes, into);
    }

    @Override
    public boolean readAtOnce(long offsetBytes, ByteBuffer into) throws IOException {
        int lengthBytes = into.remaining();
        boolean isRead = export.readAtOnce(offsetBytes, into);
        if (isRead) {
            counters.read(lengthBytes);
        }
        return isRead;
    }

    @Override
    public void willRead(long offsetBytes, long lengthBytes) {
        export.willRead(offsetBytes, lengthBytes);
    }

    @Override
    public long zeroBytes(long offsetBytes, long lengthBytes) throws IOException {
        return export.zeroBytes(offsetBytes, lengthBytes);
    }

    /** The usual way, on which nothing is made. */
    private boolean goesStraight() {
        return tracked && !readOnly;
    }

    @Override
    public void write(long offsetBytes, ByteBuffer data, Completion completion) {
        counters.written(data.remaining());
        if (goesStraight()) {
            export.write(offsetBytes, data, completion);
            return;
        }
        change((to, end) -> to.write(offsetBytes, data, end), completion);
    }

    @Override
    public void writeZeroes(long offsetBytes, long lengthBytes, ZeroMode mode, Completion completion) {
        counters.written(lengthBytes);
        if (goesStraight()) {
            export.writeZeroes(offsetBytes, lengthBytes, mode, completion);
            return;
        }
        change((to, end) -> to.writeZeroes(offsetBytes, lengthBytes, mode, end), completion);
    }

    @Override
    public void trim(long offsetBytes, long lengthBytes, Completion completion) {
        counters.trimmed(lengthBytes);
        if (goesStraight()) {
            export.trim(offsetBytes, lengthBytes, completion);
            return;
        }
        change((to, end) -> to.trim(offsetBytes, lengthBytes, end), completion);
    }

    @Override
    public void flush(Completion completion) {
        counters.flushed();
        if (readOnly) {
            completion.done();
        } else {
            export.flush(completion);
        }
    }

    @Override
    public List<StatusExtent> blockStatus(String context, long offsetBytes, long lengthBytes, int extentsMax)
            throws IOException {
        return export.blockStatus(context, offsetBytes, lengthBytes, extentsMax);
    }

    /** Writes, and waits for the end. */
    public void writeNow(long offsetBytes, ByteBuffer data) throws IOException {
        await(end -> write(offsetBytes, data, end));
    }

    /** Makes a range zero, and waits for the end. */
    public void zeroNow(long offsetBytes, long lengthBytes, ZeroMode mode) throws IOException {
        await(end -> writeZeroes(offsetBytes, lengthBytes, mode, end));
    }

    /** Discards, and waits for the end. */
    public void trimNow(long offsetBytes, long lengthBytes) throws IOException {
        await(end -> trim(offsetBytes, lengthBytes, end));
    }

    /** Flushes, and waits for the end. */
    public void flushNow() throws IOException {
        await(this::flush);
    }

    private interface Begin {
        void with(Completion completion);
    }

    private static void await(Begin begin) throws IOException {
        Awaited awaited = new Awaited();
        begin.with(awaited);
        awaited.end();
    }

    private static final class Awaited implements Completion {
        private boolean ended;
        private String failure = "";
        private NbdError error = NbdError.EIO;
        private boolean perhaps;

        @Override
        public boolean isAwaited() {
            return true;
        }

        @Override
        public synchronized void done() {
            ended = true;
            notifyAll();
        }

        @Override
        public synchronized void failed(NbdError reason, String description) {
            error = reason;
            failure = description.isEmpty() ? reason.name() : description;
            done();
        }

        @Override
        public synchronized void failedPerhaps(String description) {
            perhaps = true;
            failed(NbdError.EIO, description);
        }

        synchronized void end() throws IOException {
            boolean interrupted = false;
            while (!ended) {
                try {
                    wait();
                } catch (InterruptedException e) {
                    interrupted = true;
                }
            }
            if (interrupted) {
                Thread.currentThread().interrupt();
            }
            if (perhaps) {
                throw new UnknownOutcomeException(failure);
            }
            if (!failure.isEmpty()) {
                throw new RequestFailedException(error, failure);
            }
        }
    }
}
