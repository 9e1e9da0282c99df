package io.varve.capture.backend.qcow2;

import io.varve.formats.nbd.NbdError;
import io.varve.formats.qcow2.ClusterSize;
import java.io.IOException;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.TreeSet;
import java.util.concurrent.locks.ReentrantLock;

/**
 * Gives out host clusters, and takes them back.
 *
 * <p>Clusters are counted in batches ahead of their use, so that one fdatasync does for many; those given out read as
 * zeros. Clusters that were let go are uncounted by {@link #settle}, once nothing on the disk refers to them.
 *
 * <p>Safe for any thread.
 */
final class ClusterAllocator {
    private static final int BATCH_MIN = 8;
    private static final int BATCH_MAX = 1024;
    private static final long BATCH_BYTES_MAX = 64 << 20;
    private static final int FREED_MAX = 1 << 16;
    private static final int RELEASED_MANY = 1 << 16;

    private final ImageFile file;
    private final ClusterSize clusterSize;
    private final Refcounts refcounts;
    private final ReentrantLock lock = new ReentrantLock();
    private final ArrayDeque<Long> counted = new ArrayDeque<>(); // Guarded by lock, as all that follow.
    private final TreeSet<Long> freed = new TreeSet<>(); // Of clusters before the cursor, some that are free.
    private long cursor;
    private int batch = BATCH_MIN;
    private long[] released = new long[BATCH_MIN];
    private int releasedCount;

    ClusterAllocator(ImageFile file, ClusterSize clusterSize, Refcounts refcounts) {
        this.file = file;
        this.clusterSize = clusterSize;
        this.refcounts = refcounts;
    }

    /** A host cluster that reads as zeros and is counted once, both durably. */
    long take() throws IOException {
        lock.lock();
        try {
            if (counted.isEmpty()) {
                count();
            }
            return counted.removeFirst();
        } finally {
            lock.unlock();
        }
    }

    /**
     * The first of {@code count} neighbours, each as {@link #take} gives it.
     *
     * @param count at most as many as a refcount block counts, but for itself
     */
    long takeRun(int count) throws IOException {
        if (count >= clusterSize.refcountsPerBlock()) {
            throw file.failed(
                    NbdError.ENOSPC,
                    "can't keep " + count + " clusters side by side, expected fewer than "
                            + clusterSize.refcountsPerBlock());
        }
        lock.lock();
        try {
            long[] run = new long[count];
            List<Long> passed = new ArrayList<>();
            int length = 0;
            while (length < count) {
                long cluster = next();
                refcounts.checkUnused(cluster);
                if (length > 0 && cluster != run[length - 1] + 1) {
                    Arrays.stream(run, 0, length).forEach(passed::add);
                    length = 0;
                }
                run[length++] = cluster;
            }
            passed.forEach(this::remember);
            countNow(run, count);
            return run[0];
        } finally {
            lock.unlock();
        }
    }

    /** Counts so many references to a cluster more, or fewer; not durably. */
    void count(long cluster, int delta) throws IOException {
        lock.lock();
        try {
            refcounts.add(new long[] {cluster}, 1, delta);
        } finally {
            lock.unlock();
        }
    }

    /** Lets clusters go that nothing else refers to; those that aren't counted once stay, and leak at worst. */
    void releaseOnce(long[] clusters) throws IOException {
        lock.lock();
        try {
            for (long cluster : clusters) {
                if (!refcounts.covers(cluster) || refcounts.get(cluster) != 1) {
                    return;
                }
            }
        } finally {
            lock.unlock();
        }
        Arrays.stream(clusters).distinct().forEach(this::release);
    }

    /** Lets a reference to a host cluster go, which isn't in the tables any more. */
    void release(long cluster) {
        lock.lock();
        try {
            if (releasedCount == released.length) {
                released = Arrays.copyOf(released, 2 * releasedCount);
            }
            released[releasedCount++] = cluster;
        } finally {
            lock.unlock();
        }
    }

    /** Whether so much was let go that it should be settled without waiting for a flush. */
    boolean isFull() {
        lock.lock();
        try {
            return releasedCount >= RELEASED_MANY;
        } finally {
            lock.unlock();
        }
    }

    /**
     * Makes the image durable, and uncounts what was let go before, and what was counted ahead.
     *
     * @param grace returns when no request is in progress that began before; the caller's isn't
     */
    void settle(Runnable grace) throws IOException {
        long[] settling = takeReleased();
        file.sync();
        if (settling.length > 0) {
            grace.run();
        }
        lock.lock();
        try {
            giveBack();
            refcounts.add(settling, settling.length, -1);
            discardUnused(settling);
        } finally {
            lock.unlock();
        }
    }

    private long[] takeReleased() {
        lock.lock();
        try {
            long[] taken = Arrays.copyOf(released, releasedCount);
            releasedCount = 0;
            Arrays.sort(taken);
            return taken;
        } finally {
            lock.unlock();
        }
    }

    private void giveBack() throws IOException {
        long[] unused = counted.stream().mapToLong(Long::longValue).sorted().toArray();
        counted.clear();
        batch = Math.max(BATCH_MIN, batch / 2);
        refcounts.add(unused, unused.length, -1);
        for (long cluster : unused) {
            remember(cluster);
        }
    }

    private void discardUnused(long[] sorted) throws IOException {
        long runBegin = 0;
        long runEnd = 0;
        for (long cluster : sorted) {
            if (refcounts.get(cluster) != 0 || (cluster < runEnd && cluster >= runBegin)) {
                continue;
            }
            if (cluster != runEnd) {
                file.discard(clusterSize.offsetBytes(runBegin), clusterSize.offsetBytes(runEnd - runBegin));
                runBegin = cluster;
            }
            runEnd = cluster + 1;
            remember(cluster);
        }
        file.discard(clusterSize.offsetBytes(runBegin), clusterSize.offsetBytes(runEnd - runBegin));
    }

    private void remember(long cluster) {
        if (cluster >= cursor) {
            return;
        }
        if (freed.size() < FREED_MAX) {
            freed.add(cluster);
        } else {
            // Found again by counting from there, among those that are remembered.
            cursor = cluster;
            freed.tailSet(cluster).clear();
        }
    }

    /** Counts a batch. */
    private void count() throws IOException {
        long[] found = new long[batch];
        int count = 0;
        while (count < found.length) {
            long cluster = next();
            refcounts.checkUnused(cluster);
            found[count++] = cluster;
        }
        Arrays.sort(found);
        countNow(found, count);
        for (long cluster : found) {
            counted.addLast(cluster);
        }
        int batchMax = Math.clamp(BATCH_BYTES_MAX / clusterSize.bytes(), BATCH_MIN, BATCH_MAX);
        batch = Math.min(2 * batch, batchMax);
    }

    /** Makes free clusters read as zeros and be counted, both durably. */
    private void countNow(long[] sorted, int count) throws IOException {
        long oldEnd = clusterSize.clusters(file.lengthBytes());
        file.growTo(clusterSize.offsetBytes(sorted[count - 1] + 1));
        clearUsed(sorted, oldEnd);
        refcounts.add(sorted, count, 1);
        file.sync();
    }

    /** A free cluster, which isn't found a second time. */
    private long next() throws IOException {
        while (true) {
            Long known = freed.pollFirst();
            if (known != null) {
                if (refcounts.get(known) == 0) {
                    return known;
                }
            } else if (!refcounts.covers(cursor)) {
                cursor = refcounts.cover(cursor);
            } else if (refcounts.get(cursor++) == 0) {
                return cursor - 1;
            }
        }
    }

    /** Clears those before {@code oldEnd}, where something stood once. */
    private void clearUsed(long[] sorted, long oldEnd) throws IOException {
        long runBegin = 0;
        long runEnd = 0;
        for (long cluster : sorted) {
            if (cluster >= oldEnd) {
                break;
            }
            if (cluster != runEnd) {
                clear(runBegin, runEnd);
                runBegin = cluster;
            }
            runEnd = cluster + 1;
        }
        clear(runBegin, runEnd);
    }

    private void clear(long begin, long end) throws IOException {
        if (begin < end) {
            file.clear(clusterSize.offsetBytes(begin), clusterSize.offsetBytes(end - begin));
        }
    }
}
