package io.varve.capture.filter;

import io.varve.capture.backend.Backend;
import io.varve.capture.backend.PermissionDeniedException;
import io.varve.capture.backend.RequestFailedException;
import io.varve.capture.backend.ZeroMode;
import io.varve.core.bits.Granularity;
import io.varve.core.bits.HierarchicalBitSet;
import io.varve.core.snapshot.Protection;
import io.varve.formats.nbd.NbdError;
import io.varve.formats.nbd.StatusExtent;
import java.io.IOException;
import java.io.InterruptedIOException;
import java.nio.ByteBuffer;
import java.util.BitSet;
import java.util.List;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.LongSupplier;

/**
 * A drive as it was when this was made, for as long as all its writes come through {@link #preserve}: old content goes
 * to a target first, where a node of the client's own keeps it.
 *
 * <p>Unlike a {@link io.varve.capture.snapshot.Snapshot}, which never fails a guest, it fails the guest's write when
 * the client ordered that: a granule whose copy failed is then as if nobody had tried.
 *
 * <pre>
 *   in the image --a write claims it--> copying --copied--> preserved (for ever)
 *                <--------failed, the write fails too------
 * </pre>
 *
 * <p>Thread: safe for any thread that isn't interrupted; a write waits on its own thread.
 */
public final class CopyBeforeWrite {
    private static final int COPY_BYTES_MAX = 1 << 20;
    private static final long STATUS_BYTES_MAX = 1L << 30;

    private final Backend source;
    private final Target target;
    private final Granularity granule;
    private final Protection protection;
    private final CopyTerms terms;
    private final LongSupplier nanos;
    private final ExecutorService copiers = Executors.newCachedThreadPool(
            Thread.ofPlatform().daemon().name("varve-copy-before-write").factory());
    private final long sizeBytes;
    private final HierarchicalBitSet preserved;
    private final HierarchicalBitSet released;
    private final BitSet copying = new BitSet(); // Guarded by lock.
    private final ConcurrentLinkedQueue<ByteBuffer> buffers = new ConcurrentLinkedQueue<>();
    private final ReentrantLock lock = new ReentrantLock();
    private final Condition changed = lock.newCondition();
    private volatile boolean broken;

    /** Where old content goes. */
    public interface Target {
        Backend backend();

        /**
         * Waits until reads of the target have ended that began before what was written last: they may still look at
         * the source, which is about to change.
         */
        void settle();
    }

    /**
     * What is kept.
     *
     * @param granule what is copied at once, at least
     */
    public record Scope(Granularity granule, Protection protection) {}

    /** @param nanos for waits of a bounded time */
    public CopyBeforeWrite(Backend source, Target target, Scope scope, CopyTerms terms, LongSupplier nanos) {
        this.source = source;
        this.target = target;
        this.granule = scope.granule();
        this.protection = scope.protection();
        this.terms = terms;
        this.nanos = nanos;
        this.sizeBytes = source.sizeBytes();
        long granules = Math.max(1, granule.granules(sizeBytes));
        this.preserved = HierarchicalBitSet.ofHeap(granules);
        this.released = HierarchicalBitSet.ofHeap(granules);
    }

    public long sizeBytes() {
        return sizeBytes;
    }

    /**
     * Returns once a range's old content is kept, or needn't be.
     *
     * @throws IOException when it can't be kept, and the guest is to fail for it
     */
    public void preserve(long offsetBytes, long lengthBytes) throws IOException {
        long from = offsetBytes >>> granule.shift();
        long to = Math.min(granule.granules(offsetBytes + lengthBytes), granule.granules(sizeBytes));
        long beganNanos = nanos.getAsLong();
        try {
            for (long first = claim(from, to, beganNanos); first >= 0; first = claim(from, to, beganNanos)) {
                keep(first, claimedUntil(first, to), beganNanos);
            }
        } catch (IOException e) {
            if (terms.onError() == OnCopyError.BREAK_GUEST_WRITE) {
                throw e;
            }
            broken = true;
        }
    }

    private boolean isBounded() {
        return !terms.timeout().isZero();
    }

    private long leftNanos(long beganNanos) {
        return terms.timeout().toNanos() - (nanos.getAsLong() - beganNanos);
    }

    private IOException timedOut() {
        return new RequestFailedException(
                NbdError.EIO,
                "old content wasn't copied within " + terms.timeout().toSeconds() + " s, cbw-timeout's time");
    }

    /** A copy that takes too long goes on, and what it has kept then stays kept. */
    private void keep(long first, long end, long beganNanos) throws IOException {
        if (!isBounded()) {
            keep(first, end);
            return;
        }
        Future<Boolean> copy = copiers.submit(() -> {
            keep(first, end);
            return true;
        });
        boolean interrupted = false;
        try {
            while (true) {
                try {
                    boolean _ = copy.get(leftNanos(beganNanos), TimeUnit.NANOSECONDS);
                    return;
                } catch (InterruptedException e) {
                    interrupted = true;
                }
            }
        } catch (TimeoutException e) {
            throw timedOut();
        } catch (ExecutionException e) {
            throw e.getCause() instanceof IOException failure
                    ? failure
                    : new IOException("old content wasn't copied because of a bug", e);
        } finally {
            if (interrupted) {
                Thread.currentThread().interrupt();
            }
        }
    }

    private void keep(long first, long end) throws IOException {
        boolean isKept = false;
        try {
            copy(first, end);
            isKept = true;
        } finally {
            end(first, end, isKept);
        }
    }

    /** The first granule that this thread is to copy, or -1 when there's nothing left; waits for those of others. */
    private long claim(long from, long to, long beganNanos) throws IOException {
        lock.lock();
        try {
            while (true) {
                long first = broken ? -1 : nextUnpreserved(from, to);
                if (first < 0) {
                    return -1;
                }
                if (!copying.get((int) first)) {
                    copying.set((int) first);
                    return first;
                }
                awaitCopy(first, beganNanos);
            }
        } finally {
            lock.unlock();
        }
    }

    /** Another write copies it. */
    private void awaitCopy(long granuleIndex, long beganNanos) throws IOException {
        while (copying.get((int) granuleIndex)) {
            if (!isBounded()) {
                changed.awaitUninterruptibly();
                continue;
            }
            try {
                if (changed.awaitNanos(leftNanos(beganNanos)) <= 0) {
                    throw timedOut();
                }
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
                throw new InterruptedIOException("interrupted while another write's old content was copied");
            }
        }
    }

    /** Claims those next to it that nobody copies, as many as one copy takes. */
    private long claimedUntil(long first, long to) {
        long max = Math.min(to, first + Math.max(1, COPY_BYTES_MAX >>> granule.shift()));
        lock.lock();
        try {
            long end = first + 1;
            while (end < max && nextUnpreserved(end, end + 1) == end && !copying.get((int) end)) {
                copying.set((int) end);
                end++;
            }
            return end;
        } finally {
            lock.unlock();
        }
    }

    private void end(long first, long end, boolean isKept) {
        lock.lock();
        try {
            if (isKept) {
                preserved.set(first, end);
            }
            copying.clear((int) first, (int) end);
            changed.signalAll();
        } finally {
            lock.unlock();
        }
    }

    private long nextUnpreserved(long from, long to) {
        long found = protection.next(from, to);
        while (found >= 0 && (preserved.get(found) || released.get(found))) {
            found = protection.next(found + 1, to);
        }
        return found;
    }

    private void copy(long first, long end) throws IOException {
        long offsetBytes = first << granule.shift();
        long lengthBytes = Math.min(sizeBytes, end << granule.shift()) - offsetBytes;
        if (source.zeroBytes(offsetBytes, lengthBytes) >= lengthBytes) {
            target.backend().zero(offsetBytes, lengthBytes, ZeroMode.MAY_PUNCH);
        } else {
            ByteBuffer content = buffer((int) lengthBytes);
            try {
                source.read(offsetBytes, content);
                target.backend().write(offsetBytes, content.flip());
            } finally {
                buffers.add(content);
            }
        }
        target.settle();
    }

    private ByteBuffer buffer(int lengthBytes) {
        ByteBuffer known = buffers.poll();
        return (known != null && known.capacity() >= lengthBytes
                        ? known.clear()
                        : ByteBuffer.allocateDirect(Math.max(COPY_BYTES_MAX, lengthBytes)))
                .limit(lengthBytes);
    }

    /**
     * Fills {@code into} with the drive's old bytes.
     *
     * @throws PermissionDeniedException when they aren't protected, or not any more
     */
    public void read(long offsetBytes, ByteBuffer into) throws IOException {
        int start = into.position();
        int lengthBytes = into.remaining();
        long at = offsetBytes;
        while (at < offsetBytes + lengthBytes) {
            long granuleIndex = at >>> granule.shift();
            boolean isKept = preserved.get(granuleIndex);
            long partEnd = Math.min(offsetBytes + lengthBytes, runEnd(granuleIndex, isKept));
            ByteBuffer part = into.slice(start + (int) (at - offsetBytes), (int) (partEnd - at));
            if (isKept) {
                target.backend().read(at, part);
            } else {
                readSource(at, part);
            }
            at = partEnd;
        }
        into.position(start + lengthBytes);
        // Looked at after the read: a write that broke it may have overtaken that.
        checkReadable(offsetBytes, lengthBytes);
    }

    private long runEnd(long granuleIndex, boolean isKept) {
        long end = granule.granules(sizeBytes);
        long next = isKept ? preserved.nextClear(granuleIndex) : preserved.nextSet(granuleIndex);
        return Math.min(sizeBytes, (next < 0 ? end : Math.min(end, next)) << granule.shift());
    }

    /** Reads the source, and then again from the target what was preserved meanwhile, and so perhaps overwritten. */
    private void readSource(long offsetBytes, ByteBuffer part) throws IOException {
        int lengthBytes = part.remaining();
        source.read(offsetBytes, part);
        long endBytes = offsetBytes + lengthBytes;
        long found = preserved.nextSet(offsetBytes >>> granule.shift());
        while (found >= 0 && found << granule.shift() < endBytes) {
            long fromBytes = Math.max(offsetBytes, found << granule.shift());
            long toBytes = Math.min(endBytes, (found + 1) << granule.shift());
            target.backend().read(fromBytes, part.slice((int) (fromBytes - offsetBytes), (int) (toBytes - fromBytes)));
            found = preserved.nextSet(found + 1);
        }
    }

    private void checkReadable(long offsetBytes, long lengthBytes) throws PermissionDeniedException {
        long from = offsetBytes >>> granule.shift();
        long to = granule.granules(offsetBytes + lengthBytes);
        long gone = released.nextSet(from);
        if (broken || !protection.containsAll(from, to) || (gone >= 0 && gone < to)) {
            throw new PermissionDeniedException("the point in time at [" + offsetBytes + ", "
                    + (offsetBytes + lengthBytes) + ") " + (broken ? "is lost" : "isn't kept"));
        }
    }

    /** The old content of whole granules within the range isn't needed any more: it can't be read after this. */
    public void discard(long offsetBytes, long lengthBytes) throws IOException {
        long endBytes = offsetBytes + lengthBytes;
        long from = granule.granules(offsetBytes);
        long to = endBytes == sizeBytes ? granule.granules(endBytes) : endBytes >>> granule.shift();
        if (from >= to) {
            return;
        }
        lock.lock();
        try {
            released.set(from, to);
            while (copying.get((int) from, (int) to).cardinality() > 0) {
                changed.awaitUninterruptibly();
            }
        } finally {
            lock.unlock();
        }
        long fromBytes = from << granule.shift();
        target.backend().trim(fromBytes, Math.min(sizeBytes, to << granule.shift()) - fromBytes);
    }

    /** One extent: zero only where that's sure. */
    public StatusExtent status(long offsetBytes, long lengthBytes) throws IOException {
        long granuleIndex = offsetBytes >>> granule.shift();
        boolean isKept = preserved.get(granuleIndex);
        long maxBytes = Math.min(STATUS_BYTES_MAX, lengthBytes);
        long partBytes = Math.min(maxBytes, runEnd(granuleIndex, isKept) - offsetBytes);
        List<StatusExtent> told = (isKept ? target.backend() : source).allocation(offsetBytes, partBytes, 1);
        StatusExtent first = told.getFirst();
        // What was preserved meanwhile was told of the source's new content, perhaps.
        long changedAt = isKept ? -1 : preserved.nextSet(granuleIndex);
        boolean isSure = changedAt < 0 || changedAt << granule.shift() >= offsetBytes + first.lengthBytes();
        return isSure ? first : new StatusExtent(first.lengthBytes(), 0);
    }
}
