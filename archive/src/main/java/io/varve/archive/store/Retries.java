package io.varve.archive.store;

import java.io.IOException;
import java.io.InterruptedIOException;
import java.time.Duration;
import java.util.concurrent.TimeUnit;
import java.util.function.Predicate;

/**
 * A bound on attempts, each pause twice as long as the one before.
 *
 * @param attempts how often in all, at least 1
 */
public record Retries(int attempts, Duration firstPause) {
    /** 5 attempts within about 3 seconds of pauses. */
    public static final Retries STANDARD = new Retries(5, Duration.ofMillis(200));

    /** Something that may fail. */
    @FunctionalInterface
    interface Attempt<T> {
        T run() throws IOException;
    }

    public Retries {
        if (attempts < 1 || firstPause.isNegative()) {
            throw new IllegalArgumentException("retries: " + attempts + " attempts, first pause " + firstPause);
        }
    }

    /** Runs {@code attempt} until it succeeds, fails for good, or the attempts are used up: then its last failure. */
    <T> T run(Predicate<IOException> passing, Attempt<T> attempt) throws IOException {
        for (int number = 1; ; number++) {
            try {
                return attempt.run();
            } catch (IOException e) {
                if (number >= attempts || !passing.test(e)) {
                    throw e;
                }
                pause(firstPause.multipliedBy(1L << Math.min(number - 1, 20)), e);
            }
        }
    }

    private static void pause(Duration duration, IOException reason) throws IOException {
        try {
            TimeUnit.NANOSECONDS.sleep(duration.toNanos());
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            InterruptedIOException interrupted = new InterruptedIOException("interrupted between two attempts");
            interrupted.initCause(reason);
            throw interrupted;
        }
    }
}
