package io.varve.capture.job;

import io.varve.core.job.JobEffect.Finish;
import java.util.Optional;
import java.util.concurrent.TimeUnit;

/** How a job that's ready is to end, once somebody has said so. Safe for any thread. */
final class FinishWord {
    private Optional<Finish> given = Optional.empty();
    private boolean ended;

    synchronized void give(Finish how) {
        given = given.or(() -> Optional.of(how));
        notifyAll();
    }

    /** Nobody needs to wait for it any more. */
    synchronized void end() {
        ended = true;
        notifyAll();
    }

    /** Whether it's given; waits a while for it. */
    synchronized boolean isGiven(long waitNanosMax) throws InterruptedException {
        if (given.isEmpty() && !ended) {
            TimeUnit.NANOSECONDS.timedWait(this, waitNanosMax);
        }
        return given.isPresent();
    }

    synchronized Finish how() {
        return given.orElse(Finish.LEAVE);
    }
}
