package io.varve.capture.job;

import java.io.IOException;

/** The point in time is gone: it's of no use to read it again. */
final class LostSourceException extends IOException {
    private static final long serialVersionUID = 1L;

    LostSourceException(String message) {
        super(message);
    }
}
