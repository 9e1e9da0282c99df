package io.varve.capture.job;

import io.varve.capture.backend.RequestFailedException;
import io.varve.formats.nbd.NbdError;
import java.io.IOException;
import java.util.function.BiConsumer;

/**
 * Makes a job's requests, and those that fail again where the job's terms want that.
 *
 * @param told of each error that doesn't end the job, with what's done about it; called on the requests' threads
 */
record Retrying(JobTerms terms, JobGate gate, BiConsumer<JobEvent.Operation, OnError.Action> told) {
    /** A request that may be made again. */
    interface Request {
        void make() throws IOException;
    }

    void run(JobEvent.Operation operation, Request request) throws IOException {
        while (true) {
            if (!gate.pass()) {
                throw new IOException("the job is ending");
            }
            try {
                request.make();
                return;
            } catch (IOException e) {
                if (!isMadeAgain(operation, e)) {
                    throw e;
                }
            }
        }
    }

    private boolean isMadeAgain(JobEvent.Operation operation, IOException failure) {
        boolean isNoSpace = RequestFailedException.errorOf(failure) == NbdError.ENOSPC;
        OnError.Action action = terms.on(operation).action(isNoSpace);
        return switch (action) {
            case REPORT -> false;
            case IGNORE -> {
                told.accept(operation, action);
                yield true;
            }
            case STOP -> {
                // Requests that fail together stop the job once.
                if (gate.pause()) {
                    told.accept(operation, action);
                }
                yield true;
            }
        };
    }
}
