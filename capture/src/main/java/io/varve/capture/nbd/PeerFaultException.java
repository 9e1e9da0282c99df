package io.varve.capture.nbd;

import java.io.IOException;

/** The client doesn't keep to the protocol, or to a bound: it's disconnected, and that's all. */
final class PeerFaultException extends IOException {
    private static final long serialVersionUID = 1L;

    PeerFaultException(String message) {
        super(message);
    }
}
