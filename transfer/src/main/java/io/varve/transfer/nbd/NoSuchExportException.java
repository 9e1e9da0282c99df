package io.varve.transfer.nbd;

import java.io.IOException;

/** A server is there, but it has no export of this name: asking again doesn't help. */
public final class NoSuchExportException extends IOException {
    private static final long serialVersionUID = 1L;

    NoSuchExportException(String message) {
        super(message);
    }
}
