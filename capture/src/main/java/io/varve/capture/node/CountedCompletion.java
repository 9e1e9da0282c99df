package io.varve.capture.node;

import io.varve.capture.nbd.Completion;
import io.varve.formats.nbd.NbdError;
import java.util.concurrent.atomic.LongAdder;

/** A completion that is counted before it's told. */
record CountedCompletion(Completion completion, LongAdder ended) implements Completion {
    @Override
    public boolean isAwaited() {
        return completion.isAwaited();
    }

    @Override
    public void done() {
        ended.increment();
        completion.done();
    }

    @Override
    public void failed(NbdError error, String reason) {
        ended.increment();
        completion.failed(error, reason);
    }

    @Override
    public void failedPerhaps(String reason) {
        ended.increment();
        completion.failedPerhaps(reason);
    }
}
