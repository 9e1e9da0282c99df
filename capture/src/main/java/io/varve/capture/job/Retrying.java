package io.varve.capture.job;

import io.varve.capture.backend.RequestFailedException;
import io.varve.core.job.ErrorAction;
import io.varve.core.job.Operation;
import io.varve.formats.nbd.NbdError;
import java.io.IOException;

/** Makes a job's requests, and those that fail again where the job wants that. */
record Retrying(CopyBrake brake, ErrorDesk errors) {
    private static final String NO_SPACE = "No space left on device";

    /** A request that may be made again. */
    interface Request {
        void make() throws IOException;
    }

    void run(Operation operation, Request request) throws IOException {
        while (true) {
            if (!brake.pass()) {
                throw new IOException("the job is ending");
            }
            try {
                request.make();
                return;
            } catch (LostSourceException e) {
                throw e;
            } catch (IOException e) {
                ErrorAction action = errors.meet(operation, isNoSpace(e));
                switch (action) {
                    case REPORT -> throw e;
                    case IGNORE -> brake.rest();
                    case STOP -> {}
                }
            }
        }
    }

    /** Whether more space would help. */
    static boolean isNoSpace(IOException failure) {
        return RequestFailedException.errorOf(failure) == NbdError.ENOSPC
                || String.valueOf(failure.getMessage()).contains(NO_SPACE);
    }
}
