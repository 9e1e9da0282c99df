package io.varve.capture.tracking;

import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.StampedLock;

/**
 * The gate of one drive's writes: a write passes it twice, briefly, when it's admitted and before it's acknowledged; a
 * cut holds it, so that neither happens meanwhile (I5).
 *
 * <p>Thread: safe for any thread. Passing waits only while a cut holds it, or waits to; a waiting cut goes first.
 */
final class Gate {
    private final StampedLock lock = new StampedLock();

    /** Begins a passage; the stamp ends it. */
    long enter() {
        return lock.readLock();
    }

    void exit(long stamp) {
        lock.unlockRead(stamp);
    }

    /** Whether the gate is held now; then {@link #letGo} must follow. Another thread may call that. */
    boolean tryHold(long waitNanosMax) throws InterruptedException {
        return lock.tryWriteLock(waitNanosMax, TimeUnit.NANOSECONDS) != 0;
    }

    /** Holds the gate, as soon as those who are passing it have passed. */
    void hold() {
        boolean _ = lock.writeLock() != 0;
    }

    void letGo() {
        lock.tryUnlockWrite();
    }
}
