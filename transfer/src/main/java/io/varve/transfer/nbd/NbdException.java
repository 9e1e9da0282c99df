package io.varve.transfer.nbd;

import io.varve.formats.nbd.NbdError;
import java.io.IOException;

/** A request that the server answered with an error; the connection stays usable. */
public final class NbdException extends IOException {
    private static final long serialVersionUID = 1L;
    private final NbdError error;

    NbdException(NbdError error, String message) {
        super(message);
        this.error = error;
    }

    public NbdError error() {
        return error;
    }
}
