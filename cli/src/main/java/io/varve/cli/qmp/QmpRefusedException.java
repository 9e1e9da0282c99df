package io.varve.cli.qmp;

import java.io.IOException;

/** The server answered a command with an error; the connection goes on. */
public final class QmpRefusedException extends IOException {
    private static final long serialVersionUID = 1L;

    private final String errorClass;

    QmpRefusedException(String command, String errorClass, String description) {
        super("The agent refuses '" + command + "': " + description);
        this.errorClass = errorClass;
    }

    /** QMP's error class, for example {@code CommandNotFound}. */
    public String errorClass() {
        return errorClass;
    }
}
