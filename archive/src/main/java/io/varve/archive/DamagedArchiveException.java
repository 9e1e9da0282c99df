package io.varve.archive;

import java.io.IOException;

/** Something in the archive isn't what it must be; the message names the object, and says what was expected. */
public final class DamagedArchiveException extends IOException {
    private static final long serialVersionUID = 1L;

    public DamagedArchiveException(String message) {
        super(message);
    }

    public DamagedArchiveException(String message, Throwable cause) {
        super(message, cause);
    }

    /** The sentence; it's always there. */
    @Override
    public String getMessage() {
        return String.valueOf(super.getMessage());
    }
}
