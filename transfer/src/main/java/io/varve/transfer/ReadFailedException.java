package io.varve.transfer;

import java.io.IOException;

/** The source couldn't be read; the message is for the user. */
final class ReadFailedException extends IOException {
    ReadFailedException(String message, Throwable cause) {
        super(message, cause);
    }
}
