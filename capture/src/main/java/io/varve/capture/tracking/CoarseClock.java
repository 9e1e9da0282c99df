package io.varve.capture.tracking;

import java.time.Instant;
import java.time.InstantSource;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;

/**
 * A clock that costs a write next to nothing: a thread reads the real one a few times a second, while anybody asks, and
 * sleeps otherwise.
 *
 * <p>It's late by a tick, and by as long as the thread doesn't get to run. That's harmless for what it is for, the last
 * write's time in a live set's header: one that's too early makes an image look as if others had changed it, never the
 * other way round.
 *
 * <p>Safe for any thread.
 */
final class CoarseClock implements InstantSource, AutoCloseable {
    private static final long TICK_NANOS = TimeUnit.MILLISECONDS.toNanos(50);
    private static final long ASLEEP = Long.MIN_VALUE;

    private final InstantSource clock;
    private final Thread ticker;
    private volatile long millis = ASLEEP;
    private volatile boolean asked;
    private volatile boolean closed;

    CoarseClock(InstantSource clock) {
        this.clock = clock;
        this.ticker = Thread.ofPlatform().daemon().name("varve-clock").start(this::run);
    }

    @Override
    public Instant instant() {
        return Instant.ofEpochMilli(millis());
    }

    @Override
    public long millis() {
        long known = millis;
        if (!asked) {
            // Once a tick: the line stays in every core's cache otherwise.
            asked = true;
        }
        if (known != ASLEEP) {
            return known;
        }
        LockSupport.unpark(ticker);
        return clock.millis();
    }

    private void run() {
        while (!closed) {
            if (asked) {
                asked = false;
                millis = clock.millis();
                LockSupport.parkNanos(this, TICK_NANOS);
            } else {
                millis = ASLEEP;
                // Whoever asked before that saw a time, and wakes nobody.
                if (!asked) {
                    LockSupport.park(this);
                }
            }
        }
        millis = ASLEEP;
    }

    /** Ends the thread; from then on the real clock is asked. */
    @Override
    public void close() {
        closed = true;
        LockSupport.unpark(ticker);
    }
}
