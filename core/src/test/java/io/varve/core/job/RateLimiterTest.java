package io.varve.core.job;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.varve.core.Seeds;
import java.time.Duration;
import org.junit.jupiter.api.Test;

class RateLimiterTest {
    private static final long START = Long.MAX_VALUE - Duration.ofMinutes(1).toNanos();
    private static final long MIB = 1 << 20;

    private final RateLimiter limiter = new RateLimiter();

    @Test
    void shouldLimitNothingWithoutASpeed() {
        limiter.moved(START, Long.MAX_VALUE);

        assertEquals(0, limiter.delayNanos(START));
    }

    @Test
    void shouldAllowWhatASliceHoldsAtOnce() {
        limiter.limit(10 * MIB);

        limiter.moved(START, MIB - 1);

        assertEquals(0, limiter.delayNanos(START));
        limiter.moved(START, 1);
        assertEquals(millis(100), limiter.delayNanos(START));
        assertEquals(millis(60), limiter.delayNanos(START + millis(40)));
        assertEquals(0, limiter.delayNanos(START + millis(100)));
    }

    @Test
    void shouldStretchTheSliceByWhatGoesBeyond() {
        limiter.limit(10 * MIB);

        limiter.moved(START, 5 * MIB);

        assertEquals(millis(500), limiter.delayNanos(START));
    }

    @Test
    void shouldTakeANewSpeedAtOnce() {
        limiter.limit(MIB);
        limiter.moved(START, MIB);
        assertEquals(1_000, Duration.ofNanos(limiter.delayNanos(START)).toMillis());

        limiter.limit(4 * MIB);

        assertTrue(Math.abs(millis(250) - limiter.delayNanos(START)) < millis(1));
        limiter.limit(0);
        assertEquals(0, limiter.delayNanos(START));
        limiter.limit(1);
        assertTrue(limiter.delayNanos(START) > millis(1_000_000));
    }

    @Test
    void shouldForgetTheTimeThatWasNotUsed() {
        limiter.limit(10 * MIB);
        limiter.moved(START, 1);

        long later = START + millis(10_000);
        limiter.moved(later, 2 * MIB);

        assertEquals(millis(200), limiter.delayNanos(later));
    }

    @Test
    void shouldRefuseANegativeSpeed() {
        assertThrows(IllegalArgumentException.class, () -> limiter.limit(-1));
    }

    @Test
    void shouldKeepToTheSpeedInTheLongRun() {
        Seeds.forEach(200, random -> {
            RateLimiter limited = new RateLimiter();
            long speed = random.nextLong(MIB, 1L << 30);
            limited.limit(speed);
            long now = START;
            long moved = 0;
            while (now - START < millis(20_000)) {
                long chunk = random.nextLong(1, speed / 4);
                limited.moved(now, chunk);
                moved += chunk;
                now += limited.delayNanos(now);
                now += random.nextLong(millis(1));
            }
            double seconds = (now - START) / 1e9;
            assertTrue(moved <= speed * (seconds + 0.2), "faster than its limit");
            assertTrue(moved >= speed * (seconds * 0.9 - 0.5), "much slower than its limit");
        });
    }

    private static long millis(long millis) {
        return Duration.ofMillis(millis).toNanos();
    }
}
