package io.varve.capture.nbd;

import io.varve.formats.nbd.NbdError;
import java.util.Optional;
import java.util.concurrent.atomic.AtomicInteger;

/**
 * Ends a long write when all its pieces have ended; it fails as one of the pieces that failed.
 *
 * <p>Safe for any thread.
 */
final class PiecewiseWrite implements Completion {
    private record Failure(NbdError error, String reason) {}

    private final Completion whole;
    // One is for the connection's thread, until it has begun all pieces.
    private final AtomicInteger unfinished = new AtomicInteger(1);
    private volatile Optional<Failure> failure = Optional.empty();

    PiecewiseWrite(Completion whole) {
        this.whole = whole;
    }

    void beginPiece() {
        unfinished.incrementAndGet();
    }

    /** Says that no piece will begin any more. */
    void allBegun() {
        done();
    }

    @Override
    public void done() {
        if (unfinished.decrementAndGet() == 0) {
            failure.ifPresentOrElse(f -> whole.failed(f.error(), f.reason()), whole::done);
        }
    }

    @Override
    public void failed(NbdError error, String reason) {
        // Of two that fail at the same time, either may be told.
        if (failure.isEmpty()) {
            failure = Optional.of(new Failure(error, reason));
        }
        done();
    }
}
