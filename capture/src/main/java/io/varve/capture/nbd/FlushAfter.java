package io.varve.capture.nbd;

import io.varve.formats.nbd.NbdError;

/** Makes a change durable before it's answered (FUA). */
record FlushAfter(Export export, Completion next) implements Completion {

    @Override
    public boolean isAwaited() {
        return next.isAwaited();
    }

    @Override
    public void done() {
        export.flush(next);
    }

    @Override
    public void failed(NbdError error, String reason) {
        next.failed(error, reason);
    }
}
