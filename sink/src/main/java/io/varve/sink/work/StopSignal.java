package io.varve.sink.work;

import java.time.Duration;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;

/** Says once, to all threads of a role, that it stops; nothing new is begun then. Safe for any thread. */
public final class StopSignal {
    private final CountDownLatch given = new CountDownLatch(1);

    public void give() {
        given.countDown();
    }

    public boolean isGiven() {
        return given.getCount() == 0;
    }

    /** Waits for so long, or until the signal is given. */
    public void pause(Duration duration) throws InterruptedException {
        boolean _ = given.await(duration.toNanos(), TimeUnit.NANOSECONDS);
    }

    /** Waits for the signal. */
    public void await() throws InterruptedException {
        given.await();
    }
}
