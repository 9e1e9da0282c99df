package io.varve.capture.node;

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
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.LongSupplier;

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
    private final Condition begun = lock.newCondition();
    private final NodeCounters counters = new NodeCounters();
    private final LongSupplier nanos;
    private volatile Export export;
    private volatile boolean tracked;
    private volatile boolean readOnly;
    private int inFlight; // Guarded by lock.
    private boolean beginning; // Guarded by lock: new writes wait.

    /** @param nanos for waits of a bounded time */
    NodeIo(Export untracked, boolean readOnly, LongSupplier nanos) {
        this.export = untracked;
        this.readOnly = readOnly;
        this.nanos = nanos;
    }

    public NodeCounters counters() {
        return counters;
    }

    /** Makes the tracked export, while no write is in flight. */
    @FunctionalInterface
    interface Tracking {
        Export begin() throws IOException;
    }

    /**
     * Sends writes to the tracked export from now on.
     *
     * @param waitNanosMax how long writes in flight may take to end
     * @throws IOException in one sentence, also when they don't end in that time; then it's as before
     */
    void track(Tracking tracking, long waitNanosMax) throws IOException {
        lock.lock();
        tracking(true);
        try {
            long leftNanos = waitNanosMax;
            while (inFlight > 0) {
                if (leftNanos <= 0) {
                    throw new IOException("the node's " + inFlight + " writes in flight haven't ended within "
                            + TimeUnit.NANOSECONDS.toMillis(waitNanosMax)
                            + " ms, expected none before tracking begins: try again when its storage answers");
                }
                leftNanos = awaitIdle(leftNanos);
            }
            export = tracking.begin();
            tracked = true;
        } finally {
            tracking(false);
            lock.unlock();
        }
    }

    private void tracking(boolean begins) {
        beginning = begins;
        if (!begins) {
            begun.signalAll();
        }
    }

    /** An interrupt doesn't end the wait. */
    private long awaitIdle(long leftNanos) {
        boolean interrupted = false;
        long endNanos = nanos.getAsLong() + leftNanos;
        while (true) {
            try {
                long left = idle.awaitNanos(endNanos - nanos.getAsLong());
                if (interrupted) {
                    Thread.currentThread().interrupt();
                }
                return left;
            } catch (InterruptedException e) {
                interrupted = true;
            }
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
            while (beginning) {
                begun.awaitUninterruptibly();
            }
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
        new AwaitedChanges(this).write(offsetBytes, data);
    }

    /** Makes a range zero, and waits for the end. */
    public void zeroNow(long offsetBytes, long lengthBytes, ZeroMode mode) throws IOException {
        new AwaitedChanges(this).zero(offsetBytes, lengthBytes, mode);
    }

    /** Discards, and waits for the end. */
    public void trimNow(long offsetBytes, long lengthBytes) throws IOException {
        new AwaitedChanges(this).trim(offsetBytes, lengthBytes);
    }

    /** Flushes, and waits for the end. */
    public void flushNow() throws IOException {
        new AwaitedChanges(this).flush();
    }
}
