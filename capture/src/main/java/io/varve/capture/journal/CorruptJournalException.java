package io.varve.capture.journal;

import java.io.IOException;

/** A journal that holds something other than what was written, before its tail. */
public final class CorruptJournalException extends IOException {
    private static final long serialVersionUID = 1L;

    public CorruptJournalException(String message) {
        super(message);
    }
}
