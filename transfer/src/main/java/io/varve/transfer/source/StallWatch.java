package io.varve.transfer.source;

import java.time.Duration;
import java.util.concurrent.Executors;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;

/**
 * Notices that nothing is answered any more, though something is asked. It counts answers instead of timing each
 * request: on a slow line a request may take long while others are answered.
 *
 * <p>Safe for any thread; the alarm sounds on a thread of its own.
 */
final class StallWatch implements AutoCloseable {
    /** A stall is noticed at most this part of the timeout late. */
    private static final int TICKS_PER_TIMEOUT = 4;

    private final AtomicLong asked = new AtomicLong();
    private final AtomicLong answered = new AtomicLong();
    private final Runnable alarm;
    private final ScheduledExecutorService ticks;

    /** Thread: the ticks' only. */
    private long lastAnswered;

    private int quietTicks;

    StallWatch(String name, Duration timeout, Runnable alarm) {
        this.alarm = alarm;
        ticks = Executors.newSingleThreadScheduledExecutor(
                Thread.ofPlatform().daemon().name("stall-watch-" + name).factory());
        long tickNanos = Math.max(1, timeout.toNanos() / TICKS_PER_TIMEOUT);
        var _ = ticks.scheduleWithFixedDelay(this::tick, tickNanos, tickNanos, TimeUnit.NANOSECONDS);
    }

    void asked() {
        asked.incrementAndGet();
    }

    void answered() {
        answered.incrementAndGet();
    }

    private void tick() {
        long now = answered.get();
        if (now != lastAnswered || asked.get() == now) {
            lastAnswered = now;
            quietTicks = 0;
        } else if (++quietTicks == TICKS_PER_TIMEOUT) {
            alarm.run();
        }
    }

    @Override
    public void close() {
        ticks.shutdownNow();
    }
}
