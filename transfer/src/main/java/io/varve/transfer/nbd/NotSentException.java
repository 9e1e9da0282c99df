package io.varve.transfer.nbd;

import java.io.IOException;

/** A request that came after the connection had ended: the server never got any of it. */
public final class NotSentException extends IOException {
    private static final long serialVersionUID = 1L;

    NotSentException(String message) {
        super(message);
    }
}
