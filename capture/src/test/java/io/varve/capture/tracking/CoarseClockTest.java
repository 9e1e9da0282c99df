package io.varve.capture.tracking;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.time.Instant;
import java.time.InstantSource;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;
import org.junit.jupiter.api.Test;

class CoarseClockTest {
    private final AtomicLong millis = new AtomicLong(1_000);
    private final AtomicLong readings = new AtomicLong();
    private final InstantSource source = () -> {
        readings.getAndIncrement();
        return Instant.ofEpochMilli(millis.get());
    };

    @Test
    void shouldTellTheTimeAtOnceAfterRest() {
        try (CoarseClock clock = new CoarseClock(source)) {
            assertEquals(1_000, clock.millis());
        }
    }

    @Test
    void shouldFollowTheRealClockWhileItIsAsked() {
        try (CoarseClock clock = new CoarseClock(source)) {
            for (long now = 2_000; now < 5_000; now += 1_000) {
                millis.set(now);
                awaitMillis(clock, now);
            }
        }
    }

    @Test
    void shouldSpareTheRealClockOnceItIsAwake() {
        try (CoarseClock clock = new CoarseClock(source)) {
            long endNanos = System.nanoTime() + TimeUnit.SECONDS.toNanos(20);
            long before;
            do {
                assertTrue(System.nanoTime() < endNanos, () -> readings + " readings, one for each question");
                before = readings.get();
                assertEquals(1_000, clock.millis());
            } while (readings.get() != before);
        }
    }

    private static void awaitMillis(CoarseClock clock, long expected) {
        long endNanos = System.nanoTime() + TimeUnit.SECONDS.toNanos(20);
        while (clock.millis() != expected) {
            assertTrue(System.nanoTime() < endNanos, () -> clock.millis() + ", expected " + expected);
            Thread.onSpinWait();
        }
    }
}
