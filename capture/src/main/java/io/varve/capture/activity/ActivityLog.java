package io.varve.capture.activity;

import io.varve.core.activity.ActivityTable;
import io.varve.core.activity.ActivityTable.Want;
import io.varve.core.activity.HotRegions;
import io.varve.core.activity.RegionSpan;
import java.io.IOException;
import java.time.InstantSource;
import java.util.BitSet;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.Executor;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * A drive's activity log: before a write reaches a region that isn't hot, the region is in the log, durably. A shell
 * around {@link ActivityTable}, which has the rules.
 *
 * <p>Writes that wait at one time share a record. One task at a time writes records and retires regions, off the
 * guests' way, and only while there's something to do.
 *
 * <p>Each record is a lease, too: it names the time up to which the agent changes the image. So a later change of the
 * image's file is somebody else's, even after a crash that took the time of the last write with it. A write renews it
 * while it lasts, and waits for that only when it has run out.
 *
 * <p>When the log can't be written, or marks can't be made durable, it's removed, and writes wait until it's gone, and
 * go on without it (reliability.md section 6, rule 24).
 *
 * <p>Thread: safe for any thread that isn't interrupted.
 */
public final class ActivityLog implements Activity, AutoCloseable {
    private static final Logger LOG = LoggerFactory.getLogger(ActivityLog.class);
    private static final long LEASE_MILLIS = 10_000;
    private static final long PAUSE_NANOS = TimeUnit.MILLISECONDS.toNanos(1);
    private static final long RETRY_NANOS = TimeUnit.SECONDS.toNanos(1);

    private final String drive;
    private final Parts parts;
    private final HotRegions hot = new HotRegions();
    private final Object lock = new Object();
    private final ActivityTable table; // Guarded by lock, as all below that isn't volatile.
    private final Map<Want, CompletableFuture<Void>> waiters = new HashMap<>();
    private long wants;
    private boolean isWorking;
    private volatile boolean isClosed;
    private volatile boolean isOff;
    private volatile long leaseMillis;

    /**
     * What a log works with.
     *
     * @param work runs what may wait for the disk; its threads are never interrupted
     */
    public record Parts(
            ActivityFile file, WritesInFlight inFlight, OpenMarks marks, Executor work, InstantSource clock) {}

    private enum Step {
        DONE,
        AGAIN,
        NO_ROOM
    }

    /** @param leaseMillis of the record that the file has */
    public ActivityLog(String drive, int hotMax, long leaseMillis, Parts parts) {
        this.drive = drive;
        this.parts = parts;
        this.leaseMillis = leaseMillis;
        this.table = new ActivityTable(hot, hotMax);
    }

    /** Until when the image may be changed by a record of this time. */
    public static long lease(InstantSource clock) {
        return clock.millis() + LEASE_MILLIS;
    }

    @Override
    public boolean admits(long offsetBytes, long lengthBytes) {
        if (isOff) {
            return true;
        }
        if (parts.clock().millis() > leaseMillis - LEASE_MILLIS / 2 && !isLeased()) {
            return false;
        }
        long first = offsetBytes >>> RegionSpan.REGION_SHIFT;
        long last = (offsetBytes + lengthBytes - 1) >>> RegionSpan.REGION_SHIFT;
        return last - first < ActivityTable.NARROW_REGIONS_MAX && hot.use((int) first, (int) last);
    }

    /** Renews the lease, and tells whether it lasts meanwhile. */
    private boolean isLeased() {
        boolean isWanted;
        synchronized (lock) {
            isWanted = !isWorking && !isClosed;
            if (isWanted) {
                table.wantRecord(new Want(-1, RegionSpan.NONE, ++wants));
                isWorking = true;
            }
        }
        if (isWanted) {
            parts.work().execute(this::work);
        }
        return parts.clock().millis() <= leaseMillis;
    }

    @Override
    public void await(int slot, long offsetBytes, long lengthBytes) {
        await(slot, RegionSpan.touching(offsetBytes, lengthBytes));
    }

    @Override
    public void awaitLease() {
        if (!isOff && parts.clock().millis() > leaseMillis) {
            await(-1, RegionSpan.NONE);
        }
    }

    private void await(int slot, RegionSpan span) {
        CompletableFuture<Void> goesOn = new CompletableFuture<>();
        boolean isFirst;
        synchronized (lock) {
            if (isOff || isClosed) {
                return;
            }
            Want want = new Want(slot, span, ++wants);
            if (parts.clock().millis() > leaseMillis) {
                table.wantRecord(want);
            } else if (table.want(want)) {
                return;
            }
            waiters.put(want, goesOn);
            isFirst = !isWorking;
            isWorking = true;
        }
        if (isFirst) {
            parts.work().execute(this::work);
        }
        goesOn.join();
    }

    private void work() {
        try {
            for (Step step = step(); step != Step.DONE; step = step()) {
                if (step == Step.NO_ROOM && isClosed) {
                    giveUp();
                    return;
                }
                if (step == Step.NO_ROOM) {
                    // More writes are in flight than the log has room for: some end soon.
                    LockSupport.parkNanos(PAUSE_NANOS);
                }
            }
        } catch (IOException | RuntimeException e) {
            switchOff(e);
        } catch (Error e) {
            // Another write may try again; if the rules are broken by then, that switches it off.
            synchronized (lock) {
                isWorking = false;
                lock.notifyAll();
                fail(e);
            }
            throw e;
        }
    }

    private Step step() throws IOException {
        Optional<List<RegionSpan>> proposed;
        synchronized (lock) {
            proposed = table.propose();
        }
        if (proposed.isPresent()) {
            record(proposed.get());
        }
        boolean isRetired = isCrowded() && retire();
        synchronized (lock) {
            if (!table.hasWaiting()) {
                isWorking = false;
                lock.notifyAll();
                return Step.DONE;
            }
        }
        return proposed.isPresent() || isRetired ? Step.AGAIN : Step.NO_ROOM;
    }

    private void record(List<RegionSpan> spans) throws IOException {
        long lease = lease(parts.clock());
        parts.file().write(spans, lease);
        leaseMillis = lease;
        synchronized (lock) {
            table.recorded().forEach(this::goesOn);
        }
    }

    private void goesOn(Want want) {
        CompletableFuture<Void> waiter = waiters.remove(want);
        if (waiter != null) {
            waiter.complete(null);
        }
    }

    private boolean isCrowded() {
        synchronized (lock) {
            return table.isCrowded();
        }
    }

    /** Whether a region was retired. */
    private boolean retire() throws IOException {
        BitSet waiting;
        synchronized (lock) {
            table.choose();
            waiting = table.waitingSlots();
        }
        BitSet inFlight = parts.inFlight().regions(waiting);
        synchronized (lock) {
            table.settle(inFlight);
            if (!table.isRetiring()) {
                return false;
            }
        }
        parts.file().keptMarks(parts.marks().makeDurable());
        synchronized (lock) {
            boolean isRetired = table.isRetiring();
            table.retired();
            return isRetired;
        }
    }

    private void switchOff(Exception failure) {
        LOG.error(
                "drive '{}': its activity log fails, and is switched off; until the drive is attached again, a crash "
                        + "of the host makes its bitmaps inconsistent: {}",
                drive,
                failure.toString());
        boolean isRemoved = isRemoved();
        while (!isRemoved && !isClosed) {
            LockSupport.parkNanos(RETRY_NANOS);
            isRemoved = isRemoved();
        }
        synchronized (lock) {
            isOff = isRemoved;
            if (isRemoved) {
                waiters.values().forEach(waiter -> waiter.complete(null));
                waiters.clear();
            } else {
                fail(new IllegalStateException("drive '" + drive + "' is given up, with an activity log that fails"));
            }
            isWorking = false;
            lock.notifyAll();
        }
    }

    /** Nobody makes room any more. */
    private void giveUp() {
        synchronized (lock) {
            fail(new IllegalStateException("drive '" + drive + "' is given up while writes wait for its activity log"));
            isWorking = false;
            lock.notifyAll();
        }
    }

    private void fail(Throwable failure) {
        waiters.values().forEach(waiter -> waiter.completeExceptionally(failure));
        waiters.clear();
    }

    private boolean isRemoved() {
        try {
            parts.file().remove();
            return true;
        } catch (IOException | RuntimeException e) {
            LOG.error(
                    "drive '{}': its failing activity log can't be removed, and guests' writes wait for that: {}",
                    drive,
                    e.toString());
            return false;
        }
    }

    /** Whether it was switched off since a failure. */
    public boolean isOff() {
        return isOff;
    }

    /** Ends it, once no write is in flight; its file stays, for the next attach. */
    @Override
    public void close() throws IOException {
        synchronized (lock) {
            isClosed = true;
            while (isWorking) {
                try {
                    lock.wait();
                } catch (InterruptedException e) {
                    Thread.currentThread().interrupt();
                    throw new IOException("drive '" + drive + "': interrupted while its activity log was closed", e);
                }
            }
        }
        parts.file().close();
    }
}
