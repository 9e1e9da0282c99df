package io.varve.capture.backend.qcow2;

import java.util.ArrayList;
import java.util.List;

/**
 * Locks on ranges of guest clusters, for those who change where these lie. One thread holds one range at most, so
 * nobody waits for somebody who waits.
 *
 * <p>Safe for any thread.
 */
final class RangeLocks {
    /** A locked range; closing unlocks it. */
    record Held(RangeLocks locks, long first, long end) implements AutoCloseable {
        @Override
        public void close() {
            locks.unlock(this);
        }
    }

    private final List<Held> held = new ArrayList<>(); // Guarded by this.

    /** Waits until nobody holds a cluster of [first, end). */
    synchronized Held lock(long first, long end) {
        boolean interrupted = false;
        while (overlaps(first, end)) {
            try {
                wait();
            } catch (InterruptedException e) {
                interrupted = true;
            }
        }
        if (interrupted) {
            Thread.currentThread().interrupt();
        }
        Held range = new Held(this, first, end);
        held.add(range);
        return range;
    }

    private boolean overlaps(long first, long end) {
        for (Held other : held) {
            if (first < other.end && other.first < end) {
                return true;
            }
        }
        return false;
    }

    private synchronized void unlock(Held range) {
        held.remove(range);
        notifyAll();
    }
}
