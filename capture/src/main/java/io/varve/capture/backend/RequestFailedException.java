package io.varve.capture.backend;

import io.varve.formats.nbd.NbdError;
import java.io.IOException;

/** A request that failed in a way for which NBD has an error value of its own; other I/O errors are EIO. */
public class RequestFailedException extends IOException {
    private static final long serialVersionUID = 1L;
    private final NbdError error;

    public RequestFailedException(NbdError error, String message) {
        super(message);
        this.error = error;
    }

    public NbdError error() {
        return error;
    }

    /** The error value that a client is told for {@code failure}. */
    public static NbdError errorOf(IOException failure) {
        return failure instanceof RequestFailedException known ? known.error() : NbdError.EIO;
    }
}
