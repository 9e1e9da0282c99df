package io.varve.capture.snapshot;

import io.varve.capture.backend.Backend;
import io.varve.core.bits.Extent;
import io.varve.core.snapshot.GranuleStates;
import io.varve.core.snapshot.Protection;
import io.varve.core.snapshot.SnapshotStatus;
import io.varve.core.snapshot.SnapshotStatus.Broken;
import io.varve.core.snapshot.SnapshotStatus.Live;
import io.varve.core.snapshot.SnapshotStatus.Released;
import io.varve.formats.nbd.StatusExtent;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;
import java.util.stream.LongStream;

/**
 * A drive as it was at a cut. What a guest is about to overwrite is copied to the fleece first; the rest is read from
 * the image.
 *
 * <p>Only {@link #release}, breakage, or a reader's {@link #discard} ends the protection, so a second reader gets the
 * same bytes, or none. A snapshot whose old content can't be kept, or not soon enough, breaks, before the guest's write
 * goes on: the guest never fails for it (I9).
 *
 * <p>Thread: safe for any thread.
 */
public final class Snapshot {
    /** One copy moves no more than this, so that a large write's granules are copied side by side. */
    private static final long COPY_BYTES_MAX = 1 << 20;

    /** So many granules are discarded at once, that writes don't wait long for the lock. */
    private static final long DISCARDED_AT_ONCE = 4096;

    /** How many zero extents are told at once; the rest of a range counts as unknown. */
    private static final int ZEROS_MAX = 4096;

    private final String name;
    private final Backend backend;
    private final KeptContent kept;
    private final GranuleStates states;
    private final Copying copying;
    private final CompletableFuture<Void> readable = new CompletableFuture<>();
    private final ReentrantLock lock = new ReentrantLock();
    private final Condition changed = lock.newCondition();
    private volatile SnapshotStatus status = new Live();

    /** @param name of the export: {@code DRIVE@SYNC-POINT-ID} */
    public Snapshot(String name, Backend backend, Fleece fleece, GranuleStates states, Copying copying) {
        this.name = name;
        this.backend = backend;
        this.kept = new KeptContent(name, fleece);
        this.states = states;
        this.copying = copying;
    }

    public String name() {
        return name;
    }

    public long sizeBytes() {
        return backend.sizeBytes();
    }

    public SnapshotStatus status() {
        return status;
    }

    /** How much old content it keeps, in bytes. */
    public long keptBytes() {
        return kept.keptBytes();
    }

    /** Protects no more than {@code narrower} from now on; once, before anybody reads. */
    public void narrow(Protection narrower) {
        states.narrow(narrower);
    }

    /** Reads may begin: the writes that were in flight at the cut have ended. */
    public void openForReading() {
        readable.complete(null);
    }

    /** Whether a write to the range must wait for old content to be copied. */
    public boolean mustPreserve(long offsetBytes, long lengthBytes) {
        return status instanceof Live
                && states.nextUnpreserved(first(offsetBytes), end(offsetBytes + lengthBytes)) >= 0;
    }

    /**
     * Returns once the range's old content is kept, or the snapshot is broken; blocks for no longer than the time that
     * copying may take. Never fails.
     */
    public void preserve(long offsetBytes, long lengthBytes) {
        if (!isPreservedWithin(TimeUnit.MILLISECONDS.toNanos(copying.timeoutMillis()), offsetBytes, lengthBytes)) {
            breakOff("keeping old content at offset " + offsetBytes + " took longer than " + copying.timeoutMillis()
                    + " ms");
        }
    }

    /**
     * Has the range's old content copied, and waits for it; as {@link #preserve}, but whoever has waited for so long
     * may do something else and go on to wait later.
     *
     * @return whether it's kept, or the snapshot is broken
     */
    public boolean isPreservedWithin(long nanos, long offsetBytes, long lengthBytes) {
        long from = first(offsetBytes);
        long to = end(offsetBytes + lengthBytes);
        lock.lock();
        try {
            claimAll(from, to);
            long leftNanos = nanos;
            while (status instanceof Live && states.nextUnpreserved(from, to) >= 0) {
                if (leftNanos <= 0) {
                    return false;
                }
                leftNanos = changed.awaitNanos(leftNanos);
            }
        } catch (InterruptedException e) {
            breakOff("the write at offset " + offsetBytes + " was interrupted while it waited");
            Thread.currentThread().interrupt();
        } finally {
            lock.unlock();
        }
        return true;
    }

    /** Fills {@code into} with the drive's bytes at the cut; waits until reads may begin. */
    public SnapshotRead read(long offsetBytes, ByteBuffer into) {
        readable.join();
        if (gone() instanceof SnapshotRead.Gone gone) {
            return gone;
        }
        int start = into.position();
        if (!states.covers(offsetBytes, into.remaining())) {
            return new SnapshotRead.Unprotected();
        }
        try {
            readParts(offsetBytes, into);
        } catch (IOException e) {
            return gone() instanceof SnapshotRead.Gone gone
                    ? gone
                    : new SnapshotRead.Gone(
                            "snapshot '" + name + "' can't be read at offset " + offsetBytes + ": " + e.getMessage());
        }
        // A write that broke the snapshot, or one after a discard, may have overtaken the read.
        return states.covers(offsetBytes, into.limit() - start) ? gone() : new SnapshotRead.Unprotected();
    }

    /**
     * Parts of {@code range} that were zeroes at the cut, as far as the image tells without being read; ascending.
     * Waits until reads may begin.
     */
    public List<Extent> zeros(Extent range) throws IOException {
        readable.join();
        if (!states.covers(range.offsetBytes(), range.lengthBytes())) {
            return List.of();
        }
        List<Extent> zeros = new ArrayList<>();
        long at = range.offsetBytes();
        while (at < range.endBytes() && zeros.size() < ZEROS_MAX) {
            for (StatusExtent extent : backend.allocation(at, range.endBytes() - at, ZEROS_MAX)) {
                if ((extent.flags() & StatusExtent.ZERO) != 0) {
                    addInImage(zeros, at, at + extent.lengthBytes());
                }
                at += extent.lengthBytes();
            }
        }
        // A write that broke the snapshot, or one after a discard, may have overtaken the look at the image.
        boolean whole = states.covers(range.offsetBytes(), range.lengthBytes());
        return whole && gone() instanceof SnapshotRead.Done ? zeros : List.of();
    }

    /** Adds what no write has touched since the cut: looked at after the image, since it's preserved before a write. */
    private void addInImage(List<Extent> zeros, long fromBytes, long toBytes) {
        int shift = states.granule().shift();
        long endGranule = end(toBytes);
        long granule = states.nextInImage(first(fromBytes), endGranule);
        while (granule < endGranule) {
            long next = states.nextPreserved(granule, endGranule);
            long partFrom = Math.max(fromBytes, granule << shift);
            zeros.add(new Extent(partFrom, Math.min(toBytes, next << shift) - partFrom));
            granule = states.nextInImage(next, endGranule);
        }
    }

    /**
     * The range's granules aren't needed any more, as far as they lie in it as a whole: writes there wait for nothing,
     * the space of what was kept is given back, and reads fail.
     */
    public void discard(long offsetBytes, long lengthBytes) {
        long endBytes = offsetBytes + lengthBytes;
        int shift = states.granule().shift();
        long to = endBytes == sizeBytes() ? end(endBytes) : endBytes >>> shift;
        for (long from = states.granule().granules(offsetBytes); from < to; from += DISCARDED_AT_ONCE) {
            kept.drop(discardSome(from, Math.min(to, from + DISCARDED_AT_ONCE)));
        }
    }

    /** What was kept of the granules: they're discarded now, so nobody else drops it. */
    private List<Extent> discardSome(long from, long to) {
        lock.lock();
        try {
            List<Extent> kept = new ArrayList<>();
            for (long granule = from; granule < to; granule++) {
                if (states.isPreserved(granule) && !states.isReleased(granule)) {
                    kept.add(extent(granule));
                }
            }
            states.release(from, to);
            changed.signalAll();
            return kept;
        } finally {
            lock.unlock();
        }
    }

    private Extent extent(long granule) {
        long offsetBytes = granule << states.granule().shift();
        long endBytes = Math.min(sizeBytes(), (granule + 1) << states.granule().shift());
        return new Extent(offsetBytes, endBytes - offsetBytes);
    }

    /** The snapshot is of no use from now on; the first reason stays. Returns before any later write goes on. */
    public void breakOff(String reason) {
        lock.lock();
        try {
            if (status instanceof Live) {
                String whole = "snapshot '" + name + "' broke: " + reason;
                status = new Broken(whole);
                changed.signalAll();
                copying.onEnd().accept(this);
                kept.broke(whole);
                freeLater();
            }
        } finally {
            lock.unlock();
        }
        // Nothing is worth waiting for any more.
        readable.complete(null);
    }

    /**
     * Has {@code taker} get all old content, too: before the return what's kept already, and then each part before the
     * guest's write that replaces it.
     *
     * @throws IOException when it can't take what's kept already
     */
    public void shareWith(OldContent taker) throws IOException {
        kept.shareWith(taker, () -> {
            List<Extent> preserved = new ArrayList<>();
            LongStream.range(0, end(sizeBytes()))
                    .filter(states::isPreserved)
                    .forEach(granule -> preserved.add(extent(granule)));
            return preserved;
        });
        if (status instanceof Broken(String reason)) {
            taker.broke(reason);
        }
    }

    /** Nobody needs it any more: its protection ends and its disk space is freed. */
    public void release() {
        lock.lock();
        try {
            if (status instanceof Released) {
                return;
            }
            status = new Released();
            changed.signalAll();
            copying.onEnd().accept(this);
        } finally {
            lock.unlock();
        }
        readable.complete(null);
        kept.close();
    }

    private SnapshotRead gone() {
        return switch (status) {
            case Live live -> new SnapshotRead.Done();
            case Broken(String reason) -> new SnapshotRead.Gone(reason);
            case Released released -> new SnapshotRead.Gone("snapshot '" + name + "' was released");
        };
    }

    /** Has the granules copied that nobody copies yet; under the lock. */
    private void claimAll(long from, long to) {
        long granulesMax = Math.max(1, COPY_BYTES_MAX >>> states.granule().shift());
        for (long granule = states.nextUnpreserved(from, to); granule >= 0 && status instanceof Live; ) {
            long count = states.claim(granule, Math.min(to, granule + granulesMax));
            if (count > 0) {
                submit(granule, granule + count);
            }
            granule = states.nextUnpreserved(granule + Math.max(1, count), to);
        }
    }

    private void submit(long fromGranule, long toGranule) {
        try {
            copying.executor().execute(() -> copy(fromGranule, toGranule));
        } catch (RejectedExecutionException e) {
            breakOff("the agent is ending");
        }
    }

    private void copy(long fromGranule, long toGranule) {
        long offsetBytes = fromGranule << states.granule().shift();
        long endBytes = Math.min(sizeBytes(), toGranule << states.granule().shift());
        ByteBuffer content = copying.buffers().take(Math.toIntExact(endBytes - offsetBytes));
        try {
            backend.read(offsetBytes, content);
            kept.keep(offsetBytes, content.flip(), () -> preserved(fromGranule, toGranule));
        } catch (IOException | RuntimeException e) {
            breakOff("old content at offset " + offsetBytes + " couldn't be kept: " + e.getMessage());
        } finally {
            copying.buffers().giveBack(content);
        }
    }

    private void preserved(long fromGranule, long toGranule) {
        List<Extent> discarded = new ArrayList<>();
        lock.lock();
        try {
            states.copied(fromGranule, toGranule);
            for (long granule = fromGranule; granule < toGranule; granule++) {
                if (states.isReleased(granule)) {
                    discarded.add(extent(granule));
                }
            }
            changed.signalAll();
        } finally {
            lock.unlock();
        }
        kept.drop(discarded);
    }

    private void readParts(long offsetBytes, ByteBuffer into) throws IOException {
        int shift = states.granule().shift();
        long endBytes = offsetBytes + into.remaining();
        long endGranule = end(endBytes);
        int start = into.position();
        for (long at = offsetBytes; at < endBytes; ) {
            long granule = at >>> shift;
            long next = states.isPreserved(granule)
                    ? states.nextInImage(granule, endGranule)
                    : states.nextPreserved(granule, endGranule);
            long partEnd = Math.min(endBytes, next << shift);
            ByteBuffer part = into.slice(start + (int) (at - offsetBytes), (int) (partEnd - at));
            if (states.isPreserved(granule)) {
                kept.read(at, part);
            } else {
                readImage(at, part);
            }
            at = partEnd;
        }
        into.position(start + (int) (endBytes - offsetBytes));
    }

    /** Reads the image, and then again from the fleece what was preserved meanwhile, and so perhaps overwritten. */
    private void readImage(long offsetBytes, ByteBuffer part) throws IOException {
        int shift = states.granule().shift();
        int lengthBytes = part.remaining();
        long endBytes = offsetBytes + lengthBytes;
        long endGranule = end(endBytes);
        backend.read(offsetBytes, part);
        long granule = states.nextPreserved(first(offsetBytes), endGranule);
        while (granule < endGranule) {
            long next = states.nextInImage(granule, endGranule);
            long fromBytes = Math.max(offsetBytes, granule << shift);
            long toBytes = Math.min(endBytes, next << shift);
            kept.read(fromBytes, part.slice((int) (fromBytes - offsetBytes), (int) (toBytes - fromBytes)));
            granule = states.nextPreserved(next, endGranule);
        }
    }

    private long first(long offsetBytes) {
        return offsetBytes >>> states.granule().shift();
    }

    private long end(long endBytes) {
        return Math.min(states.granule().granules(endBytes), states.granule().granules(sizeBytes()));
    }

    /** Gives the disk space back, off the thread of the guest's write. */
    private void freeLater() {
        try {
            copying.executor().execute(kept::close);
        } catch (RejectedExecutionException e) {
            kept.close();
        }
    }
}
