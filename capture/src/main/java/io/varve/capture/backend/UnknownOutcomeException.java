package io.varve.capture.backend;

import java.io.IOException;

/**
 * A change that may have been made, or may be made yet: whoever was asked to went away before the answer. Its range
 * stays suspect in all that follows.
 */
public final class UnknownOutcomeException extends IOException {
    private static final long serialVersionUID = 1L;

    UnknownOutcomeException(String message, IOException cause) {
        super(message, cause);
    }

    /** One that another layer told. */
    public UnknownOutcomeException(String message) {
        super(message);
    }
}
