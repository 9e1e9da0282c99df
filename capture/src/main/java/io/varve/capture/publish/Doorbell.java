package io.varve.capture.publish;

import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;

/** Wakes one waiting thread; rings that nobody has heard yet are one. Safe for any thread. */
final class Doorbell {
    private final Semaphore rings = new Semaphore(0);

    void ring() {
        if (rings.availablePermits() == 0) {
            rings.release();
        }
    }

    /** Waits for a ring, at most so long. For one thread, which nobody may interrupt. */
    void await(long nanosMax) {
        try {
            if (rings.tryAcquire(nanosMax, TimeUnit.NANOSECONDS)) {
                rings.drainPermits();
            }
        } catch (InterruptedException e) {
            throw new IllegalStateException(Thread.currentThread().getName() + " must not be interrupted", e);
        }
    }
}
