package io.varve.archive.store;

import java.io.IOException;

/** The store didn't do what it was asked; the message is one sentence that says what to do next. */
public final class StoreException extends IOException {
    private static final long serialVersionUID = 1L;

    /** What kind of failure it is, for who decides whether to try again. */
    public enum Category {
        /** The credentials are wrong or lack a right: trying again doesn't help. */
        DENIED,
        /** The bucket or the folder isn't there. */
        NO_BUCKET,
        /** The object isn't there, or is shorter than expected. */
        MISSING,
        /** The object is longer than a reader accepts. */
        TOO_LARGE,
        /** The store couldn't be reached, or failed, at every attempt; it may be back later. */
        UNAVAILABLE,
        /** The store refused the request as such. */
        REFUSED
    }

    private final Category category;

    public StoreException(Category category, String message) {
        super(message);
        this.category = category;
    }

    public StoreException(Category category, String message, Throwable cause) {
        super(message, cause);
        this.category = category;
    }

    public Category category() {
        return category;
    }

    /** The sentence; it's always there. */
    @Override
    public String getMessage() {
        return String.valueOf(super.getMessage());
    }
}
