package io.varve.restore;

import java.io.IOException;

/** A restore that can't be done as asked; the message is one sentence that says what to do next. */
public final class RestoreFailedException extends IOException {
    private static final long serialVersionUID = 1L;

    public RestoreFailedException(String message) {
        super(message);
    }

    public RestoreFailedException(String message, Throwable cause) {
        super(message, cause);
    }

    /** The sentence; it's always there. */
    @Override
    public String getMessage() {
        return String.valueOf(super.getMessage());
    }
}
